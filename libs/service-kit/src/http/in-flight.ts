import type { Response } from 'express';
import { exchangeOf, type Exchange } from './exchange';

export interface Deadline {
  /** The longest that a request may take to be answered. */
  limitMs: number;
  /** Called once for each request that is over it. */
  onOverdue: (response: Response, exchange: Exchange) => void;
}

const longestSweepMs = 1_000;

/** The requests that are being answered; shutdown waits for them and names those that will not end. */
export class InFlight {
  /**
   * Each knows its place. A Set would do, but makes its table anew every so often, and links the old one to it: one
   * table that has outlived its use keeps all later ones, and the responses in them, from being collected soon. That
   * made a third of all garbage survive, pauses five times as long, and a request a sixth dearer.
   */
  private readonly responses: Response[] = [];
  private waiters: (() => void)[] = [];
  private sweeping: NodeJS.Timeout | undefined;

  constructor(private readonly deadline?: Deadline) {}

  get count(): number {
    return this.responses.length;
  }

  enter(response: Response): void {
    const exchange = exchangeOf(response);
    if (exchange) exchange.place = this.responses.push(response) - 1;
    // One timer for all of them: one for each would cost every request more than it could ever save.
    if (this.sweeping === undefined && this.deadline) this.startSweeping(this.deadline);
  }

  leave(response: Response): void {
    this.remove(response);
    if (this.responses.length > 0) return;
    for (const resolve of this.waiters.splice(0)) resolve();
  }

  /** Its place is taken by the last one. */
  private remove(response: Response): void {
    const place = exchangeOf(response)?.place;
    if (place === undefined || this.responses[place] !== response) return;
    const last = this.responses.pop() as Response;
    if (last === response) return;
    this.responses[place] = last;
    (exchangeOf(last) as Exchange).place = place;
  }

  /** Resolves when nothing is being answered any more. */
  idle(): Promise<void> {
    if (this.responses.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.waiters.push(resolve));
  }

  /** For example `GET /api/v1/posts/:id`, for each request still being answered. */
  endpoints(): string[] {
    return this.responses.map(
      (response) => `${response.req.method} ${exchangeOf(response)?.route ?? 'unmatched'}`,
    );
  }

  private startSweeping(deadline: Deadline): void {
    const everyMs = Math.min(longestSweepMs, Math.max(1, deadline.limitMs / 4));
    this.sweeping = setInterval(() => this.sweep(deadline), everyMs).unref();
  }

  private sweep({ limitMs, onOverdue }: Deadline): void {
    if (this.responses.length === 0) {
      clearInterval(this.sweeping);
      this.sweeping = undefined;
      return;
    }
    const latestStart = performance.now() - limitMs;
    // What is answered leaves its place to the last.
    for (const response of [...this.responses]) {
      const exchange = exchangeOf(response);
      if (!exchange || exchange.overdue || exchange.startedAt > latestStart) continue;
      exchange.overdue = true;
      onOverdue(response, exchange);
    }
  }
}
