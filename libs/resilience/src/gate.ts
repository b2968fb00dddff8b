import { problems } from '@rostrum/errors';
import type { Breaker, BreakerHooks, BreakerOptions, BreakerState } from './breaker';
import { Circuit } from './circuit';

export interface GateOptions extends BreakerOptions {
  /** The dependency's name, as problems and metrics show it. */
  name: string;
  /** Asks the dependency past the gate. Must give up by itself, and when the signal says so. */
  probe: (signal?: AbortSignal) => Promise<unknown>;
  hooks?: BreakerHooks;
}

/**
 * A circuit breaker for calls so many and so short that they cannot afford to be wrapped: one question before the call
 * and, only if it fails, one word after it. While all is well that is all it costs. What tries an open circuit is the
 * probe, never a caller's work.
 */
export class Gate implements Breaker {
  readonly name: string;
  private readonly circuit: Circuit;
  private readonly hooks: BreakerHooks;
  private readonly probe: GateOptions['probe'];
  private closed = true;
  private reason: Error | undefined;

  constructor({ name, probe, hooks = {}, ...options }: GateOptions) {
    this.name = name;
    this.hooks = hooks;
    this.probe = probe;
    this.circuit = new Circuit({
      ...options,
      probe: () => probe(),
      isFailure: () => true,
      isInconclusive: () => false,
      onStateChange: (state, error) => this.changed(state, error),
    });
  }

  /** The answer to a call that is not to be made now. */
  refusal(): Error | undefined {
    if (this.closed) return undefined;
    this.hooks.onRejected?.({ name: this.name, reason: 'circuit-open' });
    return this.unavailable();
  }

  /** A call that began at this time of `performance.now()` has failed, and not through its caller's fault. */
  failed(error: unknown, startedAt: number): void {
    this.hooks.onFailure?.({ name: this.name, error });
    // What was begun before an outage may end long after it.
    if (startedAt >= this.circuit.closedSince) this.circuit.noteFailure(error);
  }

  /** Asks the dependency past the gate, for those who watch its health; rejects also where the gate is shut though it answers. */
  async check(signal?: AbortSignal): Promise<void> {
    const startedAt = performance.now();
    try {
      await this.probe(signal);
    } catch (error) {
      this.failed(error, startedAt);
      throw error;
    }
    if (!this.closed) throw this.unavailable();
  }

  /** The dependency has given a sign of life: where the circuit is open, it is tried now and not at the next turn. */
  probeNow(): void {
    this.circuit.probeNow();
  }

  state(): BreakerState {
    return this.circuit.state;
  }

  reset(): void {
    this.circuit.reset();
  }

  forceOpen(): void {
    this.circuit.forceOpen();
  }

  /** Ends what runs by itself. */
  dispose(): void {
    this.circuit.dispose();
  }

  private unavailable(): Error {
    return problems.unavailable(this.name, this.circuit.retryAfterSeconds, this.reason);
  }

  private changed(state: BreakerState, error: unknown): void {
    this.closed = state === 'closed';
    // One for all whom it turns away: an outage must not cost a stack for each of them.
    if (state === 'open')
      this.reason = new Error(`The circuit breaker ${this.name} is open`, { cause: error });
    else if (state === 'forced-open')
      this.reason = new Error(`The circuit breaker ${this.name} is held open`);
    this.hooks.onStateChange?.({ name: this.name, state, ...(error !== undefined && { error }) });
  }
}

export function createGate(options: GateOptions): Gate {
  return new Gate(options);
}
