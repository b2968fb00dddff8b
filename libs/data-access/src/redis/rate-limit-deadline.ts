/** Something that is to be answered. */
export interface Awaited {
  readonly settled: boolean;
  fail(reason: unknown): void;
}

/** Fails what is not answered in time, with one timer for all: a timer for each would cost more than the sending. */
export class ReplyDeadline {
  private waiting: { awaited: Awaited; dueAt: number }[] = [];
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(private readonly timeoutMs: number) {}

  watch(awaited: Awaited): void {
    // Answers come in the order of the questions, so that hardly anything ever stands here.
    while (this.waiting[0]?.awaited.settled) this.waiting.shift();
    this.waiting.push({ awaited, dueAt: performance.now() + this.timeoutMs });
    if (this.timer === undefined) this.lookIn(this.timeoutMs);
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }

  private lookIn(ms: number): void {
    if (this.closed) return;
    // The answer of a process that was busy itself may be waiting to be read: that is done before `setImmediate`.
    this.timer = setTimeout(() => setImmediate(this.look), ms).unref();
  }

  private readonly look = (): void => {
    const now = performance.now();
    const overdue = this.waiting.filter(({ awaited, dueAt }) => dueAt <= now && !awaited.settled);
    this.waiting = this.waiting.filter(({ awaited, dueAt }) => dueAt > now && !awaited.settled);
    const next = this.waiting[0];
    this.timer = undefined;
    if (next) this.lookIn(Math.max(1, next.dueAt - now));
    for (const { awaited } of overdue) awaited.fail(new Error('Redis has not answered in time'));
  };
}
