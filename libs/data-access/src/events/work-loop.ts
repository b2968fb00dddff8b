export interface WorkLoopOptions {
  /** One round. Resolves to how many milliseconds to rest before the next; `wake` cuts that short. */
  round: () => Promise<number>;
  onError: (error: unknown) => void;
}

/** Doubled with each failure, up to a limit, and never quite the same for two that have failed together. */
export function backoffMs(failures: number, { firstMs = 100, lastMs = 2_000 } = {}): number {
  return Math.min(firstMs * 2 ** (failures - 1), Math.max(firstMs, lastMs)) * (0.5 + Math.random() / 2);
}

/** Works in rounds until it is stopped, and backs off when one fails. */
export class WorkLoop {
  private stopping = false;
  private woken = false;
  private endRest: (() => void) | undefined;
  private readonly done: Promise<void>;

  constructor(private readonly options: WorkLoopOptions) {
    this.done = this.work();
  }

  get isStopping(): boolean {
    return this.stopping;
  }

  wake(): void {
    this.woken = true;
    this.endRest?.();
  }

  /** Resolves when the round under way, if any, has ended. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.endRest?.();
    await this.done;
  }

  private async work(): Promise<void> {
    // The first round begins after the constructor's caller has what it needs to look at this loop.
    await Promise.resolve();
    let failures = 0;
    while (!this.stopping) {
      try {
        this.woken = false;
        const restMs = await this.options.round();
        failures = 0;
        if (restMs > 0 && !this.woken) await this.rest(restMs);
      } catch (error) {
        failures += 1;
        this.options.onError(error);
        await this.rest(backoffMs(failures));
      }
    }
  }

  private async rest(ms: number): Promise<void> {
    if (this.stopping) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.endRest = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.endRest = undefined;
  }
}
