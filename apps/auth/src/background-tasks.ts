/** Work that no answer waits for, bounded, and ended before the process is. */
export class BackgroundTasks {
  private readonly running = new Set<Promise<void>>();

  constructor(
    private readonly onError: (error: unknown) => void,
    private readonly most = 1_000,
  ) {}

  /**
   * Does it soon, after the answer that is just being given, whose time would tell what there is to be done; with too much
   * of it under way, not at all.
   */
  run(task: () => Promise<unknown>): void {
    if (this.running.size >= this.most) return;
    const running: Promise<void> = new Promise((resolve) => setImmediate(resolve))
      .then(task)
      .then(
        () => undefined,
        (error: unknown) => this.onError(error),
      )
      .finally(() => this.running.delete(running));
    this.running.add(running);
  }

  async idle(): Promise<void> {
    await Promise.all(this.running);
  }
}
