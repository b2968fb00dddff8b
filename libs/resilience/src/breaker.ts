export type BreakerState = 'closed' | 'open' | 'half-open' | 'forced-open';

/** What an operator can see of a circuit breaker, and do to it. */
export interface Breaker {
  readonly name: string;
  state(): BreakerState;
  /** Closes the circuit by hand and forgets past failures. */
  reset(): void;
  /** Opens the circuit by hand, until `reset`. */
  forceOpen(): void;
}

export interface BreakerOptions {
  /** This many failed calls within `windowMs` open the circuit. */
  failures?: number;
  windowMs?: number;
  /** How long it stays open before one call is let through as a trial. */
  halfOpenAfterMs?: number;
  /** How often `probe` asks, while the circuit is open, whether the dependency is back. */
  probeEveryMs?: number;
  /**
   * Asks the dependency whether it is well. Where it says so the circuit is half-open at once, and closed: nobody has
   * to wait for `halfOpenAfterMs` to be over, and no caller's work is the trial. Must give up by itself.
   */
  probe?: () => Promise<unknown>;
}

export interface BreakerHooks {
  /** `error`: what was the last straw, where the circuit has opened by itself. */
  onStateChange?: (event: { name: string; state: BreakerState; error?: unknown }) => void;
  /** A call failed in a way that counts against the dependency. */
  onFailure?: (event: { name: string; error: unknown }) => void;
  /** A call was not made at all. */
  onRejected?: (event: { name: string; reason: 'circuit-open' | 'bulkhead-full' }) => void;
}
