import {
  BrokenCircuitError,
  circuitBreaker,
  CircuitState,
  handleWhen,
  type CircuitBreakerPolicy,
} from 'cockatiel';
import { WindowBreaker } from './window-breaker';

export type BreakerState = 'closed' | 'open' | 'half-open' | 'forced-open';

export interface BreakerOptions {
  /** This many failed calls within `windowMs` open the circuit. */
  failures?: number;
  windowMs?: number;
  /** How long it stays open before one call is let through as a trial. */
  halfOpenAfterMs?: number;
}

interface CircuitOptions extends BreakerOptions {
  isFailure: (error: unknown) => boolean;
  /** Shows nothing either way. cockatiel takes all it does not count for a success, which would end the trial well. */
  isInconclusive: (error: unknown) => boolean;
  onStateChange: (state: BreakerState) => void;
}

type Work<T> = (context: { signal: AbortSignal }) => PromiseLike<T> | T;

const names: Record<CircuitState, BreakerState> = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.Open]: 'open',
  [CircuitState.HalfOpen]: 'half-open',
  [CircuitState.Isolated]: 'forced-open',
};

/** cockatiel's circuit breaker with the milestone's rule for opening it, and a switch for the operator. */
export class Circuit {
  private readonly window: WindowBreaker;
  private readonly policy: CircuitBreakerPolicy;
  private readonly halfOpenAfterMs: number;
  private forced: { dispose(): void } | undefined;
  private openedAt = 0;
  private resetting = false;

  constructor({ failures = 5, windowMs = 10_000, halfOpenAfterMs = 30_000, ...options }: CircuitOptions) {
    this.halfOpenAfterMs = halfOpenAfterMs;
    this.window = new WindowBreaker(failures, windowMs);
    const counts = handleWhen(
      (error) => options.isFailure(error) || (this.isOnTrial && options.isInconclusive(error)),
    );
    this.policy = circuitBreaker(counts, { breaker: this.window, halfOpenAfter: halfOpenAfterMs });
    this.policy.onStateChange((state) => {
      if (state === CircuitState.Open) this.openedAt = Date.now();
      if (!this.resetting) options.onStateChange(names[state]);
    });
  }

  get state(): BreakerState {
    return names[this.policy.state];
  }

  /** How long callers do best to wait before they try again. */
  get retryAfterSeconds(): number {
    if (this.policy.state !== CircuitState.Open) return 1;
    return Math.max(1, Math.ceil((this.openedAt + this.halfOpenAfterMs - Date.now()) / 1000));
  }

  async execute<T>(work: Work<T>, signal: AbortSignal): Promise<T> {
    // cockatiel lets further calls wait for the trial's end; a caller is better served by an answer now.
    if (this.isOnTrial) throw new BrokenCircuitError();
    return this.policy.execute(work, signal);
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

  private get isOnTrial(): boolean {
    return this.policy.state === CircuitState.HalfOpen;
  }
}
