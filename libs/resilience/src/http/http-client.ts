import { isAppError, problems } from '@rostrum/errors';
import { LRUCache } from 'lru-cache';
import type { Breaker, BreakerOptions } from '../breaker';
import { createPolicy, type Policy, type PolicyHooks } from '../policy';
import { HttpAnswer } from './http-answer';
import { exchange, UnusableAnswer, type HttpExchange } from './http-exchange';
import { retryAfterMs } from './retry-after';

export interface HttpClientHooks extends PolicyHooks {
  /** After every try, whatever became of it. `outcome`: `2xx` to `5xx`, `timeout`, `aborted`, `unusable` or `error`. */
  onExchange?: (event: { name: string; method: string; outcome: string; seconds: number }) => void;
  /** There is a circuit for another origin. */
  onBreaker?: (breaker: Breaker) => void;
  /** A circuit has been forgotten: its origin has not been called for long. */
  onBreakerGone?: (breaker: Breaker) => void;
}

export interface HttpClientOptions {
  /** What is called, as metrics and problems show it. */
  name: string;
  /** The one origin that is called. Without it any may be, each behind a circuit and a bulkhead of its own. */
  origin?: string;
  /** For a whole call, its retries included. */
  timeoutMs?: number;
  /** For each try, from the connection to the last byte of the answer. */
  attemptTimeoutMs?: number;
  /** How often a failed call that may happen twice is made again. */
  retries?: number;
  /** The largest body of an answer. */
  maxBytes?: number;
  /** Calls of one origin that may be under way, and may wait for that. */
  bulkhead?: { limit: number; queue?: number };
  breaker?: BreakerOptions;
  /** A path that is read while a circuit is open: any answer below 500 closes it. */
  probePath?: string;
  /** What every request carries; called in its caller's context. */
  headers?: () => Record<string, string>;
  hooks?: HttpClientHooks;
}

export interface HttpRequest {
  method?: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
  /** When it fires the call is given up, at the other end too. */
  signal?: AbortSignal | undefined;
}

const defaults = {
  timeoutMs: 2_000,
  attemptTimeoutMs: 1_000,
  retries: 2,
  maxBytes: 1024 * 1024,
  bulkhead: { limit: 16, queue: 64 },
};
type Defaulted = Required<Pick<HttpClientOptions, keyof typeof defaults>>;

const mostOrigins = 100;
const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/** An answer that says that the other side is at fault, or has too much to do. */
class FaultStatus extends Error {
  constructor(
    readonly status: number,
    readonly retryAfterMs: number | undefined,
  ) {
    super(`It answered ${status}`);
  }
}

/**
 * Calls other services over HTTP: deadline → retries → circuit breaker → bulkhead, per origin. Resolves with whatever
 * the other side answers up to 499; rejects with a 503 problem where it cannot be had (5xx, 429, no answer in time, no
 * connection, circuit open) and a 502 problem where the answer is of no use.
 */
export class HttpClient {
  private readonly options: HttpClientOptions & Defaulted;
  private readonly policies: LRUCache<string, Policy>;

  constructor(options: HttpClientOptions) {
    this.options = { ...defaults, ...options };
    this.policies = new LRUCache({
      max: mostOrigins,
      dispose: (policy) => {
        policy.dispose();
        this.options.hooks?.onBreakerGone?.(policy);
      },
    });
    if (options.origin !== undefined) this.policyFor(new URL(options.origin).origin);
  }

  async request(
    url: string | URL,
    { method = 'GET', body, ...request }: HttpRequest = {},
  ): Promise<HttpAnswer> {
    const target = this.targetOf(url);
    const headers = { ...this.options.headers?.(), ...request.headers };
    const outgoing = { url: target, method, headers, body, maxBytes: this.options.maxBytes };
    return this.policyFor(target.origin).execute(
      ({ signal }) => this.attempt({ ...outgoing, signal }, request.signal),
      { signal: request.signal, retry: idempotent.has(method) || hasIdempotencyKey(headers) },
    );
  }

  /** Forgets its circuits and ends their probes; what is under way ends within its time. */
  close(): void {
    this.policies.clear();
  }

  private targetOf(url: string | URL): URL {
    const target = new URL(url);
    if (target.protocol !== 'http:' && target.protocol !== 'https:')
      throw new TypeError(`${target.protocol} cannot be called over HTTP`);
    const { origin } = this.options;
    if (origin !== undefined && new URL(origin).origin !== target.origin)
      throw new TypeError(`${this.options.name} is not at ${target.origin}`);
    return target;
  }

  private policyFor(origin: string): Policy {
    const known = this.policies.get(origin);
    if (known) return known;
    const { name, hooks = {}, ...limits } = this.options;
    const policy = createPolicy({
      name: limits.origin === undefined ? `${name} ${new URL(origin).host}` : name,
      dependency: name,
      timeoutMs: limits.timeoutMs,
      attemptTimeoutMs: limits.attemptTimeoutMs,
      retries: limits.retries,
      bulkhead: limits.bulkhead,
      breaker: { ...limits.breaker, ...this.probe(origin) },
      isFailure: (error) => faultOf(error)?.status !== 429,
      isRetryable: (error) => !(isAppError(error) && error.cause instanceof UnusableAnswer),
      retryAfterMs: (error) => faultOf(error)?.retryAfterMs,
      hooks,
    });
    this.policies.set(origin, policy);
    hooks.onBreaker?.(policy);
    return policy;
  }

  private probe(origin: string): Pick<BreakerOptions, 'probe'> {
    const { probePath, attemptTimeoutMs, maxBytes } = this.options;
    if (probePath === undefined) return {};
    const url = new URL(probePath, origin);
    const outgoing = { url, method: 'GET', headers: {}, body: undefined, maxBytes };
    return {
      probe: () => this.attempt({ ...outgoing, signal: AbortSignal.timeout(attemptTimeoutMs) }, undefined),
    };
  }

  private async attempt(outgoing: HttpExchange, callers: AbortSignal | undefined): Promise<HttpAnswer> {
    const { name, hooks } = this.options;
    const startedAt = performance.now();
    let outcome = 'error';
    try {
      const { status, headers, body } = await exchange(outgoing);
      outcome = `${Math.floor(status / 100)}xx`;
      if (status >= 500 || status === 429)
        throw new FaultStatus(status, retryAfterMs(headers.get('retry-after')));
      return new HttpAnswer(name, status, headers, body);
    } catch (error) {
      if (error instanceof UnusableAnswer) outcome = 'unusable';
      if (outgoing.signal.aborted) outcome = callers?.aborted ? 'aborted' : 'timeout';
      throw this.problemOf(error);
    } finally {
      const seconds = (performance.now() - startedAt) / 1000;
      hooks?.onExchange?.({ name, method: outgoing.method, outcome, seconds });
    }
  }

  private problemOf(error: unknown): Error {
    const { name } = this.options;
    if (error instanceof UnusableAnswer) return problems.badResponse(name, error);
    const waitMs = error instanceof FaultStatus ? error.retryAfterMs : undefined;
    return problems.unavailable(name, Math.max(1, Math.ceil((waitMs ?? 0) / 1000)), error);
  }
}

function faultOf(error: unknown): FaultStatus | undefined {
  return isAppError(error) && error.cause instanceof FaultStatus ? error.cause : undefined;
}

/** The other side promises that such a request takes effect once, however often it comes. */
function hasIdempotencyKey(headers: Record<string, string>): boolean {
  return Object.keys(headers).some((name) => name.toLowerCase() === 'idempotency-key');
}

export function createHttpClient(options: HttpClientOptions): HttpClient {
  return new HttpClient(options);
}
