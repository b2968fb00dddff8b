import {
  BrokenCircuitError,
  bulkhead,
  BulkheadRejectedError,
  ExponentialBackoff,
  handleWhen,
  IsolatedCircuitError,
  noop,
  retry,
  TaskCancelledError,
  timeout,
  TimeoutStrategy,
  wrap,
  type IPolicy,
} from 'cockatiel';
import { isAppError, problems } from '@rostrum/errors';
import { Circuit, type BreakerOptions, type BreakerState } from './circuit';

export interface PolicyHooks {
  onStateChange?: (event: { name: string; state: BreakerState }) => void;
  /** A call failed in a way that counts against the dependency. */
  onFailure?: (event: { name: string; error: unknown }) => void;
  onRetry?: (event: { name: string; attempt: number; delayMs: number }) => void;
  /** A call was not made at all. */
  onRejected?: (event: { name: string; reason: 'circuit-open' | 'bulkhead-full' }) => void;
}

export interface PolicyOptions {
  /** The dependency's name, as problems and metrics show it. */
  name: string;
  /** For the whole call, its retries included. */
  timeoutMs: number;
  /** How often a failed call is made again: only for what may safely happen twice. */
  retries?: number;
  /** `false`: no circuit breaker. */
  breaker?: BreakerOptions | false;
  bulkhead?: { limit: number; queue?: number };
  /** Whether an error is the dependency's fault. By default all are but the caller's own mistakes (4xx) and aborts. */
  isFailure?: (error: unknown) => boolean;
  /** Whether a failed call is worth another try; by default all that count as failures. */
  isRetryable?: (error: unknown) => boolean;
  hooks?: PolicyHooks;
}

export interface Policy {
  readonly name: string;
  /**
   * Makes the call under the policy. Rejects with a 503 problem when the time is over, the circuit is open or too many
   * calls are under way; with the signal's reason when the caller gives up; else with the call's own error.
   */
  execute<T>(
    work: (context: { signal: AbortSignal }) => PromiseLike<T> | T,
    signal?: AbortSignal,
  ): Promise<T>;
  state(): BreakerState;
  /** Closes the circuit by hand. */
  reset(): void;
  /** Opens the circuit by hand, until `reset`. */
  forceOpen(): void;
}

/** deadline → retries → circuit breaker → bulkhead, around calls to one dependency. */
export function createPolicy(options: PolicyOptions): Policy {
  return new ComposedPolicy(options);
}

class ComposedPolicy implements Policy {
  readonly name: string;
  private readonly circuit: Circuit | undefined;
  private readonly outer: IPolicy;
  private readonly inner: IPolicy;
  private readonly hooks: PolicyHooks;

  constructor(private readonly options: PolicyOptions) {
    const { name, breaker = {}, hooks = {}, isFailure = isDependencyFailure } = options;
    this.name = name;
    this.hooks = hooks;
    this.circuit = breaker
      ? new Circuit({
          ...breaker,
          isFailure: (error) => countsAsFailure(error, isFailure),
          isInconclusive,
          onStateChange: (state) => hooks.onStateChange?.({ name, state }),
        })
      : undefined;
    this.inner = options.bulkhead ? bulkhead(options.bulkhead.limit, options.bulkhead.queue ?? 0) : noop;
    this.outer = wrap(timeout(options.timeoutMs, TimeoutStrategy.Aggressive), this.retries(isFailure));
  }

  async execute<T>(
    work: (context: { signal: AbortSignal }) => PromiseLike<T> | T,
    signal?: AbortSignal,
  ): Promise<T> {
    signal?.throwIfAborted();
    try {
      return (await this.outer.execute((context) => this.attempt(work, context.signal, signal), signal)) as T;
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw this.answerFor(error);
    }
  }

  state(): BreakerState {
    return this.circuit?.state ?? 'closed';
  }

  reset(): void {
    this.circuit?.reset();
  }

  forceOpen(): void {
    this.circuit?.forceOpen();
  }

  private attempt<T>(
    work: (context: { signal: AbortSignal }) => PromiseLike<T> | T,
    signal: AbortSignal,
    callers: AbortSignal | undefined,
  ): Promise<T> {
    const guarded = () =>
      this.inner
        .execute(() => settleBy(work, signal, callers), signal)
        .catch((error: unknown) => {
          const counts = countsAsFailure(error, this.options.isFailure ?? isDependencyFailure);
          if (counts) this.hooks.onFailure?.({ name: this.name, error });
          throw error;
        }) as Promise<T>;
    return this.circuit ? this.circuit.execute(guarded, signal) : guarded();
  }

  private retries(isFailure: (error: unknown) => boolean): IPolicy {
    const { name, retries = 0, isRetryable = () => true } = this.options;
    if (retries === 0) return noop;
    const worthIt = handleWhen((error) => countsAsFailure(error, isFailure) && isRetryable(error));
    const policy = retry(worthIt, {
      maxAttempts: retries,
      backoff: new ExponentialBackoff({ initialDelay: 50, maxDelay: 1_000 }),
    });
    policy.onRetry(({ attempt, delay }) => this.hooks.onRetry?.({ name, attempt, delayMs: delay }));
    return policy;
  }

  private answerFor(error: unknown): unknown {
    const open = error instanceof BrokenCircuitError || error instanceof IsolatedCircuitError;
    const full = error instanceof BulkheadRejectedError;
    if (open || full) {
      this.hooks.onRejected?.({ name: this.name, reason: open ? 'circuit-open' : 'bulkhead-full' });
      return problems.unavailable(this.name, this.circuit?.retryAfterSeconds ?? 1, error);
    }
    return error instanceof TaskCancelledError ? problems.unavailable(this.name, 1, error) : error;
  }
}

/** The caller's own aborts, and calls that were never made, say nothing about the dependency. */
class CallerGone extends Error {}

function isInconclusive(error: unknown): boolean {
  return error instanceof CallerGone || error instanceof BulkheadRejectedError;
}

function countsAsFailure(error: unknown, isFailure: (error: unknown) => boolean): boolean {
  if (isInconclusive(error)) return false;
  if (error instanceof BrokenCircuitError || error instanceof IsolatedCircuitError) return false;
  return error instanceof TaskCancelledError || isFailure(error);
}

/** By default: everything but the answers that tell a caller what it did wrong. */
function isDependencyFailure(error: unknown): boolean {
  return !(isAppError(error) && error.status < 500);
}

/**
 * Ends when the signal fires, even if the work ignores it: else the breaker would never hear of a dependency that
 * hangs, which is the very case it is for.
 */
async function settleBy<T>(
  work: (context: { signal: AbortSignal }) => PromiseLike<T> | T,
  signal: AbortSignal,
  callers: AbortSignal | undefined,
): Promise<T> {
  const reason = () =>
    callers?.aborted ? new CallerGone() : new TaskCancelledError('The time for this call is over');
  if (signal.aborted) throw reason();
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(reason());
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([aborted.promise, work({ signal })]);
  } catch (error) {
    // The work may have noticed before we did; what it says of it is of no use to anyone.
    throw signal.aborted ? reason() : error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
