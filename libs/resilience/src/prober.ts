export interface ProberOptions {
  everyMs: number;
  /** Resolves to whether to ask again. */
  ask: () => Promise<boolean>;
}

const jitter = 0.2;

/** Asks again and again, never twice at once, until the answer is that it need not. Keeps no process alive. */
export class Prober {
  private timer: NodeJS.Timeout | undefined;
  private running = false;
  private asking = false;

  constructor(private readonly options: ProberOptions) {}

  start(): void {
    if (this.running) return;
    this.running = true;
    this.schedule();
  }

  stop(): void {
    this.running = false;
    clearTimeout(this.timer);
  }

  /** Asks now instead of at the next turn, where it is asking at all. */
  async askNow(): Promise<void> {
    if (!this.running || this.asking) return;
    clearTimeout(this.timer);
    this.asking = true;
    const again = await this.options.ask().finally(() => (this.asking = false));
    if (again) this.schedule();
    else this.running = false;
  }

  private schedule(): void {
    if (!this.running) return;
    clearTimeout(this.timer);
    // Many processes whose circuits opened together must not ask together.
    const delay = this.options.everyMs * (1 - jitter + Math.random() * 2 * jitter);
    this.timer = setTimeout(() => void this.askNow(), delay).unref();
  }
}
