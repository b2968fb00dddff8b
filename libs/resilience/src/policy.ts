import { AsyncLocalStorage } from 'node:async_hooks';
import {
  BrokenCircuitError,
  bulkhead,
  BulkheadRejectedError,
  DelegateBackoff,
  handleWhen,
  IsolatedCircuitError,
  noop,
  retry,
  TaskCancelledError,
  timeout,
  TimeoutStrategy,
  wrap,
  type FailureReason,
  type IPolicy,
} from 'cockatiel';
import { isAppError, problems } from '@rostrum/errors';
import type { Breaker, BreakerHooks, BreakerOptions, BreakerState } from './breaker';
import { Circuit } from './circuit';

export interface PolicyHooks extends BreakerHooks {
  onRetry?: (event: { name: string; attempt: number; delayMs: number }) => void;
}

export interface PolicyOptions {
  /** The policy's name, as metrics and operators know it. */
  name: string;
  /** The dependency's name, as problems show it; the policy's name, unless several policies are for one dependency. */
  dependency?: string;
  /** For the whole call, its retries included. */
  timeoutMs: number;
  /** For each try. */
  attemptTimeoutMs?: number;
  /** How often a failed call is made again: only for what may safely happen twice. */
  retries?: number;
  /** `false`: no circuit breaker. */
  breaker?: BreakerOptions | false;
  bulkhead?: { limit: number; queue?: number };
  /** Whether an error is the dependency's fault. By default all are but the caller's own mistakes (4xx) and aborts. */
  isFailure?: (error: unknown) => boolean;
  /** Whether a failed call is worth another try; by default all that count as failures. */
  isRetryable?: (error: unknown) => boolean;
  /** How long the dependency has asked to be left alone; it is, where that is longer than the usual pause. */
  retryAfterMs?: (error: unknown) => number | undefined;
  hooks?: PolicyHooks;
}

export interface CallOptions {
  /** When it fires the call is given up. */
  signal?: AbortSignal | undefined;
  /** `false`: this call must not be made twice. */
  retry?: boolean;
}

export interface Policy extends Breaker {
  /**
   * Makes the call under the policy. Rejects with a 503 problem when the time is over, the circuit is open or too many
   * calls are under way; with the signal's reason when the caller gives up; else with the call's own error.
   */
  execute<T>(work: Work<T>, options?: CallOptions): Promise<T>;
  /** Ends what runs by itself. */
  dispose(): void;
}

type Work<T> = (context: { signal: AbortSignal }) => PromiseLike<T> | T;

const firstPauseMs = 50;
const longestPauseMs = 1_000;

/** deadline → retries → circuit breaker → bulkhead, around calls to one dependency. */
export function createPolicy(options: PolicyOptions): Policy {
  return new ComposedPolicy(options);
}

class ComposedPolicy implements Policy {
  readonly name: string;
  private readonly circuit: Circuit | undefined;
  private readonly once: IPolicy;
  private readonly outer: IPolicy;
  private readonly inner: IPolicy;
  private readonly hooks: PolicyHooks;

  constructor(private readonly options: PolicyOptions) {
    const { name, breaker = {}, hooks = {} } = options;
    this.name = name;
    this.hooks = hooks;
    this.circuit = breaker
      ? new Circuit({
          ...breaker,
          isFailure: (error) => this.counts(error),
          isInconclusive,
          onStateChange: (state, error) =>
            hooks.onStateChange?.({ name, state, ...(error !== undefined && { error }) }),
        })
      : undefined;
    this.inner = options.bulkhead ? bulkhead(options.bulkhead.limit, options.bulkhead.queue ?? 0) : noop;
    this.once = timeout(options.timeoutMs, TimeoutStrategy.Aggressive);
    this.outer = wrap(this.once, this.retries());
  }

  async execute<T>(work: Work<T>, { signal, retry: mayRetry = true }: CallOptions = {}): Promise<T> {
    signal?.throwIfAborted();
    // Whoever waits in the bulkhead is called by whoever leaves it, and must not take that one's context for its own.
    const own = this.options.bulkhead?.queue ? AsyncLocalStorage.bind(work) : work;
    const policy = mayRetry ? this.outer : this.once;
    try {
      return (await policy.execute((context) => this.attempt(own, context.signal, signal), signal)) as T;
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

  dispose(): void {
    this.circuit?.dispose();
  }

  private attempt<T>(work: Work<T>, signal: AbortSignal, callers: AbortSignal | undefined): Promise<T> {
    const { attemptTimeoutMs } = this.options;
    const guarded = () =>
      this.inner
        .execute(() => settleBy(work, { signal, callers, attemptTimeoutMs }), signal)
        .catch((error: unknown) => {
          if (this.counts(error)) this.hooks.onFailure?.({ name: this.name, error });
          throw error;
        }) as Promise<T>;
    return this.circuit ? this.circuit.execute(guarded, signal) : guarded();
  }

  private counts(error: unknown): boolean {
    if (isInconclusive(error) || isRefusal(error)) return false;
    const { isFailure = isDependencyFailure } = this.options;
    return error instanceof TaskCancelledError || isFailure(error);
  }

  private retries(): IPolicy {
    const { name, retries = 0, isRetryable = (error) => this.counts(error), timeoutMs } = this.options;
    if (retries === 0) return noop;
    const tooLong = (error: unknown) => (this.options.retryAfterMs?.(error) ?? 0) >= timeoutMs;
    const worthIt = handleWhen((error) => {
      if (isInconclusive(error) || isRefusal(error)) return false;
      return (error instanceof TaskCancelledError || isRetryable(error)) && !tooLong(error);
    });
    const backoff = new DelegateBackoff(
      ({ attempt, result }: { attempt: number; result: FailureReason<unknown> }) =>
        Math.max(pauseBefore(attempt), ('error' in result && this.options.retryAfterMs?.(result.error)) || 0),
    );
    const policy = retry(worthIt, { maxAttempts: retries, backoff });
    policy.onRetry(({ attempt, delay }) => this.hooks.onRetry?.({ name, attempt, delayMs: delay }));
    return policy;
  }

  private answerFor(error: unknown): unknown {
    const { name, dependency = name } = this.options;
    const open = isRefusal(error);
    if (open || error instanceof BulkheadRejectedError) {
      this.hooks.onRejected?.({ name, reason: open ? 'circuit-open' : 'bulkhead-full' });
      return problems.unavailable(dependency, this.circuit?.retryAfterSeconds ?? 1, error);
    }
    return error instanceof TaskCancelledError ? problems.unavailable(dependency, 1, error) : error;
  }
}

/** Half of it is chance, so that those who failed together do not come back together. */
function pauseBefore(attempt: number): number {
  const longest = Math.min(firstPauseMs * 2 ** (attempt - 1), longestPauseMs);
  return longest * (0.5 + Math.random() / 2);
}

/** The caller's own aborts, and calls that were never made, say nothing about the dependency. */
class CallerGone extends Error {}

function isInconclusive(error: unknown): boolean {
  return error instanceof CallerGone || error instanceof BulkheadRejectedError;
}

function isRefusal(error: unknown): boolean {
  return error instanceof BrokenCircuitError || error instanceof IsolatedCircuitError;
}

/** By default: everything but the answers that tell a caller what it did wrong. */
function isDependencyFailure(error: unknown): boolean {
  return !(isAppError(error) && error.status < 500);
}

interface Limits {
  signal: AbortSignal;
  callers: AbortSignal | undefined;
  attemptTimeoutMs: number | undefined;
}

/**
 * Ends when the signal fires, even if the work ignores it: else the breaker would never hear of a dependency that
 * hangs, which is the very case it is for.
 */
async function settleBy<T>(work: Work<T>, { signal, callers, attemptTimeoutMs }: Limits): Promise<T> {
  const reason = () =>
    callers?.aborted ? new CallerGone() : new TaskCancelledError('The time for this call is over');
  if (signal.aborted) throw reason();
  const attempt = new AbortController();
  const aborted = Promise.withResolvers<never>();
  const abort = () => {
    attempt.abort(signal.reason);
    aborted.reject(reason());
  };
  signal.addEventListener('abort', abort, { once: true });
  const timer = attemptTimeoutMs === undefined ? undefined : setTimeout(abort, attemptTimeoutMs);
  try {
    return await Promise.race([aborted.promise, work({ signal: attempt.signal })]);
  } catch (error) {
    // The work may have noticed before we did; what it says of it is of no use to anyone.
    throw attempt.signal.aborted ? reason() : error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}
