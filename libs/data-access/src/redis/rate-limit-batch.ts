import type { Awaited } from './rate-limit-deadline';
import { redisKeys } from './redis-keys';

/** How much is admitted, in any window of this length. One object per limit: what is gathered is told apart by it. */
export interface RateLimit {
  /** Part of the keys in Redis. */
  readonly name: string;
  readonly quota: number;
  readonly windowMs: number;
}

/** Somebody who has asked. Told once, and not before `ask` has returned. */
export interface LimitAsker {
  /**
   * `remaining` is -1 where the request is refused; `resetMs`: when `remaining` grows; `counted`: how many requests this
   * is about, which is one where it was asked before it was admitted.
   */
  onVerdict(remaining: number, resetMs: number, counted: number): void;
  /** Redis has not answered in time, or not at all. */
  onSilence(counted: number): void;
}

/** A caller of whom requests have been admitted that Redis does not know of. Told of them each time they are sent. */
export interface UncountedCaller extends LimitAsker {
  readonly limit: RateLimit;
  readonly caller: string;
  /** How many they are: called when they are sent. Those that come later are to be told of anew. */
  take(): number;
}

/** What is asked, or told, of one limit at once. */
export class Batch implements Awaited {
  private readonly keys: string[] = [];
  private readonly askers: LimitAsker[] = [];
  /** Where Redis is told of what has been admitted already. */
  private readonly counts: number[] = [];
  private readonly prefix: string;
  settled = false;

  constructor(
    readonly limit: RateLimit,
    readonly tag: number,
    private readonly onLost: (reason: unknown) => void,
  ) {
    this.prefix = prefixOf(limit, tag);
  }

  get size(): number {
    return this.keys.length;
  }

  argumentsAfter(script: string): (string | number)[] {
    return [script, this.keys.length, ...this.keys, this.limit.quota, this.limit.windowMs, ...this.counts];
  }

  ask(caller: string, asker: LimitAsker): void {
    this.keys.push(this.prefix + caller);
    this.askers.push(asker);
  }

  /** A batch asks or counts, never both. */
  count(uncounted: UncountedCaller): void {
    this.ask(uncounted.caller, uncounted);
    this.counts.push(uncounted.take());
  }

  answer(numbers: readonly number[]): void {
    if (this.settled) return;
    this.settled = true;
    const { askers, counts } = this;
    for (let i = 0; i < askers.length; i += 1) {
      askers[i]?.onVerdict(numbers[2 * i] as number, numbers[2 * i + 1] as number, counts[i] ?? 1);
    }
  }

  fail(reason: unknown): void {
    if (this.settled) return;
    this.settled = true;
    this.onLost(reason);
    for (const [index, asker] of this.askers.entries()) asker.onSilence(this.counts[index] ?? 1);
  }
}

/** No service's name: what a user asks of different services counts together. */
const keys = redisKeys('rate');

/** `rate:{0}:api:` */
function prefixOf({ name }: RateLimit, tag: number): string {
  return keys.together(String(tag), name, '');
}
