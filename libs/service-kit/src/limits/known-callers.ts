import type { UncountedCaller } from '@rostrum/data-access';
import type { LimitPolicy } from './limit-policy';

/** The memory of a process has an end: where there are more, those who came first are forgotten. */
const mostCallers = 20_000;
/** For so long nobody is admitted by what Redis has said: meanwhile another process may have admitted more. */
const believedMs = 1_000;

/** Told of what Redis did not count. */
type OnLost = (key: string, policy: LimitPolicy, counted: number) => void;

/** What Redis has said last of one caller, and what has been admitted since without asking. */
export class KnownCaller implements UncountedCaller {
  remaining = 0;
  private resetAt = 0;
  private heardAt = -Infinity;
  private uncounted = 0;
  private unsent = 0;
  /** Of what is uncounted, what has been told of as lost. */
  private lost = 0;

  // eslint-disable-next-line max-params -- made for every caller
  constructor(
    readonly policy: LimitPolicy,
    readonly key: string,
    readonly caller: string,
    private readonly onLost: OnLost,
  ) {}

  get limit() {
    return this.policy.shared;
  }

  hear(remaining: number, resetMs: number, now: number): void {
    this.remaining = remaining;
    this.resetAt = now + resetMs;
    this.heardAt = now;
  }

  /** What is left as far as this process knows. */
  get left(): number {
    return this.remaining - this.uncounted;
  }

  /** Until what is left grows. */
  resetMs(now: number): number {
    return this.resetAt - now;
  }

  /**
   * A sliding window admits nobody before its oldest request has left it, whatever happens until then: who is over the
   * limit need not be looked up again, nor be worked for.
   */
  isRefused(now: number): boolean {
    return this.remaining <= 0 && now < this.resetAt;
  }

  /** Whether the caller is far from the limit: the second half of every limit is decided by Redis, request by request. */
  isFarFromLimit(policy: LimitPolicy, now: number): boolean {
    return (
      this.policy === policy &&
      this.left > policy.shared.quota / 2 &&
      this.uncounted < policy.mostUncounted &&
      now - this.heardAt < believedMs &&
      now < this.resetAt
    );
  }

  /** True where nothing else waits to be sent: then it is to be told that something does. */
  admit(): boolean {
    this.uncounted += 1;
    this.unsent += 1;
    return this.unsent === 1;
  }

  take(): number {
    const { unsent } = this;
    this.unsent = 0;
    return unsent;
  }

  /** Redis is silent about others: what it has not counted of this one may be lost, and is told of as if it were. */
  loseUncounted(): void {
    const { uncounted, lost } = this;
    this.heardAt = -Infinity;
    this.lost = uncounted;
    if (uncounted > lost) this.onLost(this.key, this.policy, uncounted - lost);
  }

  onVerdict(remaining: number, resetMs: number, counted: number): void {
    this.settle(counted);
    this.hear(remaining, resetMs, performance.now());
  }

  onSilence(counted: number): void {
    this.loseUncounted();
    this.settle(counted);
  }

  /** The oldest come first. */
  private settle(counted: number): void {
    this.uncounted -= counted;
    this.lost = Math.max(0, this.lost - counted);
  }
}

/** Who is far from their limit, and who is over it. */
export class KnownCallers {
  private readonly callers = new Map<string, KnownCaller>();

  constructor(private readonly onLost: OnLost) {}

  get(key: string): KnownCaller | undefined {
    return this.callers.get(key);
  }

  /** Called for whatever Redis has decided. */
  hear({ policy, key, caller, remaining, resetMs }: Decided, now: number): void {
    let known = this.callers.get(key);
    if (known?.policy !== policy) {
      // Of others there is nothing that could be of use.
      if (remaining > 0 && policy.mostUncounted === 0) return;
      if (this.callers.size >= mostCallers) this.callers.delete(this.callers.keys().next().value as string);
      known = new KnownCaller(policy, key, caller, this.onLost);
      this.callers.set(key, known);
    }
    known.hear(remaining, resetMs, now);
  }
}

interface Decided {
  policy: LimitPolicy;
  key: string;
  caller: string;
  remaining: number;
  resetMs: number;
}
