const longestMs = 2_000;

/** How long no connection is asked for after one could not be had: longer each time, and not for all at once. */
export class OpeningBackoff {
  private failures = 0;
  private until = 0;

  isOver(now: number): boolean {
    return now >= this.until;
  }

  opened(): void {
    this.failures = 0;
    this.until = 0;
  }

  failed(now: number): void {
    this.failures += 1;
    const backoff = Math.min(longestMs, 125 * 2 ** this.failures);
    this.until = now + backoff * (0.5 + Math.random() / 2);
  }
}
