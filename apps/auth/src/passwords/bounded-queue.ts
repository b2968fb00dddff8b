import { problems } from '@rostrum/errors';

export interface BoundedQueueOptions {
  /** Named in the problem of those who find it full. */
  name: string;
  /** How much is worked on at once. */
  concurrency: number;
  /** How many may wait for their turn; more are refused at once. */
  maxWaiting: number;
  /** While others wait for their turn, results are handed back in company: so many at once, the first after so long. */
  company?: { most: number; holdMs: number };
}

const retryAfterSeconds = 1;

/**
 * Does a bounded amount of costly work at once and refuses what it could only do too late. A place counts as taken
 * until its work is really over: a client that hangs up frees no thread, or hanging up would be the way around the bound.
 */
export class BoundedQueue {
  private running = 0;
  private readonly waiters = new Set<() => void>();
  /** Those whose work is done. */
  private held: (() => void)[] = [];
  private holding: NodeJS.Timeout | undefined;

  constructor(private readonly options: BoundedQueueOptions) {}

  get waiting(): number {
    return this.waiters.size;
  }

  get active(): number {
    return this.running;
  }

  /** Rejects with a 503 problem where the queue is full, and with the signal's reason where nobody waits any more. */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    await this.turn(signal);
    let result: T;
    try {
      result = await work();
    } finally {
      this.leave();
    }
    if (this.isForCompany()) await new Promise<void>((resolve) => this.hold(resolve));
    else this.handBack();
    return result;
  }

  /** With nobody waiting nothing is gained by it, and the last of a rush would be late for nothing. */
  private isForCompany(): boolean {
    const { company } = this.options;
    return company !== undefined && this.waiters.size > 0 && this.held.length + 1 < company.most;
  }

  private hold(handBack: () => void): void {
    if (this.held.push(handBack) > 1) return;
    this.holding = setTimeout(() => this.handBack(), this.options.company?.holdMs);
  }

  private handBack(): void {
    if (this.held.length === 0) return;
    clearTimeout(this.holding);
    const { held } = this;
    this.held = [];
    for (const handBack of held) handBack();
  }

  private turn(signal: AbortSignal | undefined): Promise<void> | void {
    const { name, concurrency, maxWaiting } = this.options;
    if (this.running < concurrency) {
      this.running += 1;
      return;
    }
    if (this.waiters.size >= maxWaiting) throw problems.unavailable(name, retryAfterSeconds);
    return new Promise((resolve, reject) => {
      const begin = () => {
        signal?.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = () => {
        this.waiters.delete(begin);
        reject(signal?.reason as Error);
      };
      this.waiters.add(begin);
      signal?.addEventListener('abort', giveUp, { once: true });
    });
  }

  /** Hands the place on to whoever has waited longest. */
  private leave(): void {
    for (const begin of this.waiters) {
      this.waiters.delete(begin);
      begin();
      return;
    }
    this.running -= 1;
  }
}
