import { AsyncLocalStorage } from 'node:async_hooks';
import type { UncountedCaller } from './rate-limit-batch';

/** So long is gathered while more come, and so long where none does. */
const gatheredMs = 2;
const longestMs = 5;

/**
 * Gathers what has been admitted ahead of Redis. It leaves when a request comes that finds it gathered for long enough:
 * that is at the beginning of a turn of the event loop, so that Redis is done with it when the reads of the turn are sent
 * at its end, and no answer waits for it.
 */
export class LateCounts {
  private gathered: UncountedCaller[] = [];
  private since = 0;
  private timer: NodeJS.Timeout | undefined;
  /** What is gathered belongs to no trace, and the timer keeps no request's context. */
  private readonly outside = AsyncLocalStorage.snapshot();

  constructor(private readonly sendAll: (gathered: readonly UncountedCaller[]) => void) {}

  add(uncounted: UncountedCaller): void {
    const now = performance.now();
    if (this.gathered.length > 0 && now - this.since >= gatheredMs) this.send();
    if (this.gathered.length === 0) this.begin(now);
    this.gathered.push(uncounted);
  }

  readonly send = (): void => {
    const { gathered } = this;
    if (gathered.length === 0) return;
    this.gathered = [];
    this.outside(this.sendAll, gathered);
  };

  close(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.gathered = [];
  }

  private begin(now: number): void {
    this.since = now;
    this.timer = this.timer?.refresh() ?? this.outside(setTimeout, this.send, longestMs).unref();
  }
}
