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
  /** In the order in which they came, so that those that may be overdue come first. */
  private readonly responses = new Set<Response>();
  private waiters: (() => void)[] = [];
  private sweeping: NodeJS.Timeout | undefined;

  constructor(private readonly deadline?: Deadline) {}

  get count(): number {
    return this.responses.size;
  }

  enter(response: Response): void {
    this.responses.add(response);
    // One timer for all of them: one for each would cost every request more than it could ever save.
    if (this.sweeping === undefined && this.deadline) this.startSweeping(this.deadline);
  }

  leave(response: Response): void {
    this.responses.delete(response);
    if (this.responses.size > 0) return;
    for (const resolve of this.waiters.splice(0)) resolve();
  }

  /** Resolves when nothing is being answered any more. */
  idle(): Promise<void> {
    if (this.responses.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.waiters.push(resolve));
  }

  /** For example `GET /api/v1/posts/:id`, for each request still being answered. */
  endpoints(): string[] {
    return [...this.responses].map(
      (response) => `${response.req.method} ${exchangeOf(response)?.route ?? 'unmatched'}`,
    );
  }

  private startSweeping(deadline: Deadline): void {
    const everyMs = Math.min(longestSweepMs, Math.max(1, deadline.limitMs / 4));
    this.sweeping = setInterval(() => this.sweep(deadline), everyMs).unref();
  }

  private sweep({ limitMs, onOverdue }: Deadline): void {
    if (this.responses.size === 0) {
      clearInterval(this.sweeping);
      this.sweeping = undefined;
      return;
    }
    const latestStart = performance.now() - limitMs;
    for (const response of this.responses) {
      const exchange = exchangeOf(response);
      if (!exchange || exchange.startedAt > latestStart) return;
      if (exchange.overdue) continue;
      exchange.overdue = true;
      onOverdue(response, exchange);
    }
  }
}
