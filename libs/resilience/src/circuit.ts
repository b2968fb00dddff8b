import {
  BrokenCircuitError,
  circuitBreaker,
  CircuitState,
  handleWhen,
  type CircuitBreakerPolicy,
  type IBackoff,
} from 'cockatiel';
import type { BreakerOptions, BreakerState } from './breaker';
import { Prober } from './prober';
import { WindowBreaker } from './window-breaker';

interface CircuitOptions extends BreakerOptions {
  isFailure: (error: unknown) => boolean;
  /** Shows nothing either way. cockatiel takes all it does not count for a success, which would end the trial well. */
  isInconclusive: (error: unknown) => boolean;
  onStateChange: (state: BreakerState, error?: unknown) => void;
}

type Work<T> = (context: { signal: AbortSignal }) => PromiseLike<T> | T;

const names: Record<CircuitState, BreakerState> = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.Open]: 'open',
  [CircuitState.HalfOpen]: 'half-open',
  [CircuitState.Isolated]: 'forced-open',
};

/** A probe may find well what real calls find broken: from then on it has to say so this often in a row, at most. */
const mostProbes = 4;

/**
 * cockatiel's circuit breaker with the milestone's rule for opening it, an early end of an outage where a probe can
 * tell, and a switch for the operator.
 */
export class Circuit {
  private readonly window: WindowBreaker;
  private readonly policy: CircuitBreakerPolicy;
  private readonly halfOpenAfterMs: number;
  private readonly windowMs: number;
  private readonly prober: Prober | undefined;
  private forced: { dispose(): void } | undefined;
  private openedAt = 0;
  private closedAt = 0;
  private resetting = false;
  /** Lets a trial through before its time. */
  private early = false;
  private probesNeeded = 1;
  private probesPassed = 0;

  constructor(private readonly options: CircuitOptions) {
    const {
      failures = 5,
      windowMs = 10_000,
      halfOpenAfterMs = 30_000,
      probe,
      probeEveryMs = 1_000,
    } = options;
    this.halfOpenAfterMs = halfOpenAfterMs;
    this.windowMs = windowMs;
    this.window = new WindowBreaker(failures, windowMs);
    this.prober = probe && new Prober({ everyMs: probeEveryMs, ask: () => this.ask(probe) });
    const counts = handleWhen(
      (error) => options.isFailure(error) || (this.isOnTrial && options.isInconclusive(error)),
    );
    this.policy = circuitBreaker(counts, { breaker: this.window, halfOpenAfter: this.pause() });
    this.policy.onStateChange((state) => this.changed(state));
  }

  get state(): BreakerState {
    return names[this.policy.state];
  }

  /** When it closed last, by `performance.now()`: what failed in a call that began before says nothing of today. */
  get closedSince(): number {
    return this.closedAt;
  }

  /** How long callers do best to wait before they try again. */
  get retryAfterSeconds(): number {
    // A probe may find the dependency well at any moment.
    if (!this.isOpen() || this.prober) return 1;
    return Math.max(1, Math.ceil((this.openedAt + this.halfOpenAfterMs - performance.now()) / 1000));
  }

  async execute<T>(work: Work<T>, signal: AbortSignal): Promise<T> {
    // cockatiel lets further calls wait for the trial's end; a caller is better served by an answer now.
    if (this.isOnTrial) throw new BrokenCircuitError();
    return this.policy.execute(work, signal);
  }

  /** Counts the failure of a call that was made without `execute`. */
  noteFailure(error: unknown): void {
    if (this.policy.state !== CircuitState.Closed) return;
    this.policy.execute(() => Promise.reject(error)).catch(ignore);
  }

  /** Asks the probe now, where the circuit is open and has one. */
  probeNow(): void {
    void this.prober?.askNow();
  }

  /** Holds the circuit open until `reset`. */
  forceOpen(): void {
    this.forced ??= this.policy.isolate();
  }

  /** Closes the circuit and forgets past failures. */
  reset(): void {
    const wasClosed = this.policy.state === CircuitState.Closed;
    this.window.clear();
    if (wasClosed) return;
    // cockatiel has no way from open to closed but through a hold that ends; the hold is none of the listener's business.
    this.resetting = !this.forced;
    const hold = this.forced ?? this.policy.isolate();
    this.resetting = false;
    this.forced = undefined;
    hold.dispose();
  }

  /** Ends what runs by itself. */
  dispose(): void {
    this.prober?.stop();
  }

  private isOpen(): boolean {
    return this.policy.state === CircuitState.Open;
  }

  private get isOnTrial(): boolean {
    return this.policy.state === CircuitState.HalfOpen;
  }

  /** cockatiel asks at each call how long the pause is, so it can end while it lasts. */
  private pause(): IBackoff<unknown> {
    const isOver = () => this.early || this.isPauseOver;
    const pause: IBackoff<unknown> = {
      get duration() {
        return isOver() ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
      },
      next: () => pause,
    };
    return pause;
  }

  private get isPauseOver(): boolean {
    return performance.now() - this.openedAt >= this.halfOpenAfterMs;
  }

  private changed(state: CircuitState): void {
    const now = performance.now();
    if (state === CircuitState.Open) {
      const soonAgain = !this.early && this.closedAt > 0 && now - this.closedAt <= this.windowMs;
      this.probesNeeded = soonAgain ? Math.min(2 * this.probesNeeded, mostProbes) : 1;
      this.probesPassed = 0;
      this.openedAt = now;
      this.early = false;
      this.prober?.start();
    } else if (state !== CircuitState.HalfOpen) {
      this.prober?.stop();
      if (state === CircuitState.Closed) this.closedAt = now;
      this.early = false;
    }
    if (this.resetting) return;
    const failure = state === CircuitState.Open ? this.policy.lastFailure : undefined;
    this.options.onStateChange(names[state], failure && 'error' in failure ? failure.error : undefined);
  }

  /** One probe of an open circuit. Resolves to whether the circuit needs another. */
  private async ask(probe: () => Promise<unknown>): Promise<boolean> {
    if (!this.isOpen()) return false;
    if (this.isPauseOver) {
      await this.policy.execute(probe).catch(ignore);
      return this.isOpen();
    }
    const passed = await probe().then(yes, (error: unknown) => !this.options.isFailure(error));
    this.probesPassed = passed ? this.probesPassed + 1 : 0;
    if (this.probesPassed < this.probesNeeded || !this.isOpen()) return this.isOpen();
    this.early = true;
    await this.policy.execute(yes).catch(ignore);
    return this.isOpen();
  }
}

function yes(): boolean {
  return true;
}

function ignore(): void {
  // Whoever made the call has its error; here it was only counted.
}
