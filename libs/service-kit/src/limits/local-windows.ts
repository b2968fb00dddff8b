import type { RateLimit } from '@rostrum/data-access';
import { LRUCache } from 'lru-cache';

/** The memory of a process has an end: where there are more, those who came least lately are forgotten. */
const mostCallers = 20_000;

/** The times of what one caller was admitted for, in the order of time. */
class Admitted {
  private times: number[] = [];
  /** Where the window begins; what stands before it is cut off now and then. */
  private start = 0;

  countSince(time: number): number {
    while (this.start < this.times.length && (this.times[this.start] as number) <= time) this.start += 1;
    if (this.start > 32 && this.start * 2 > this.times.length) {
      this.times = this.times.slice(this.start);
      this.start = 0;
    }
    return this.times.length - this.start;
  }

  get oldest(): number | undefined {
    return this.times[this.start];
  }

  add(time: number): void {
    this.times.push(time);
  }
}

export interface LocalVerdict {
  /** -1: refused. */
  remaining: number;
  resetMs: number;
}

/** Sliding windows in the memory of this process, for when there is no shared memory. */
export class LocalWindows {
  private readonly callers = new LRUCache<string, Admitted>({ max: mostCallers });

  constructor(private readonly now: () => number = () => performance.now()) {}

  take(key: string, { quota, windowMs }: RateLimit): LocalVerdict {
    const now = this.now();
    const admitted = this.of(key);
    const count = admitted.countSince(now - windowMs);
    if (count < quota) admitted.add(now);
    // What others have admitted may be more than the quota of this process.
    const remaining = Math.max(-1, quota - count - 1);
    return { remaining, resetMs: (admitted.oldest ?? now) + windowMs - now };
  }

  /** Counts what somebody else has admitted. */
  note(key: string, { windowMs }: RateLimit): void {
    const admitted = this.of(key);
    admitted.countSince(this.now() - windowMs);
    admitted.add(this.now());
  }

  private of(key: string): Admitted {
    let admitted = this.callers.get(key);
    if (admitted) return admitted;
    admitted = new Admitted();
    this.callers.set(key, admitted);
    return admitted;
  }
}
