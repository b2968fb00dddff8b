const mostCallers = 20_000;

/**
 * Who is refused until when. A sliding window admits nobody before its oldest request has left it, whatever happens
 * until then, so that a caller who is over the limit need not be looked up again, nor be worked for.
 */
export class Refusals {
  private readonly until = new Map<string, number>();

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Milliseconds until the caller may be admitted again; 0 when they may be now. */
  remainingMs(key: string): number {
    if (this.until.size === 0) return 0;
    const until = this.until.get(key);
    if (until === undefined) return 0;
    const ms = until - this.now();
    if (ms > 0) return ms;
    this.until.delete(key);
    return 0;
  }

  remember(key: string, ms: number): void {
    if (this.until.size >= mostCallers) this.until.delete(this.until.keys().next().value as string);
    this.until.set(key, this.now() + ms);
  }
}
