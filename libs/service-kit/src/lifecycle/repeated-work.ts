import type { BackgroundWork } from './service';

export interface RepeatedWorkOptions {
  name: string;
  /** From the end of one round to the beginning of the next. */
  everyMs: number;
  /** The first round waits for so long, and the start does not wait for it. */
  firstAfterMs?: number;
  round: () => Promise<void>;
  onError: (error: unknown) => void;
}

/** Background work in rounds. The start waits for the first one, unless that is put off; the stop for the one under way. */
export class RepeatedWork implements BackgroundWork {
  readonly name: string;
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private stopped = false;

  constructor(private readonly options: RepeatedWorkOptions) {
    this.name = options.name;
  }

  async start(): Promise<void> {
    const { firstAfterMs } = this.options;
    if (firstAfterMs === undefined) await this.run();
    else this.timer = setTimeout(() => void this.run(), firstAfterMs);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.running;
  }

  /** A round now, instead of waiting for its time; one that is under way is followed by another. Never rejects. */
  async runNow(): Promise<void> {
    await this.running;
    if (!this.stopped) await this.run();
  }

  private run(): Promise<void> {
    if (this.running) return this.running;
    clearTimeout(this.timer);
    this.running = this.options
      .round()
      .catch(this.options.onError)
      .finally(() => {
        this.running = undefined;
        if (!this.stopped) this.timer = setTimeout(() => void this.run(), this.options.everyMs);
      });
    return this.running;
  }
}
