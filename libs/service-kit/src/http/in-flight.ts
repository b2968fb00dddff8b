import type { Response } from 'express';
import { exchangeOf } from './exchange';

/** The requests that are being answered; shutdown waits for them and names those that will not end. */
export class InFlight {
  private readonly responses = new Set<Response>();
  private waiters: (() => void)[] = [];

  get count(): number {
    return this.responses.size;
  }

  enter(response: Response): void {
    this.responses.add(response);
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
}
