import { rateLimit, type ClientRateLimitInfo, type Store } from 'express-rate-limit';
import type { Request, RequestHandler } from 'express';
import { callerAddress } from './caller-address';
import { limitProblem } from './limit-problem';
import type { LimitPolicy } from './limit-policy';
import type { Limiter } from './limiter';

/** Our windows as a store of express-rate-limit, which then needs no Redis of its own and has the same buckets. */
export class LimiterStore implements Store {
  readonly localKeys = false;

  constructor(
    private readonly limiter: Pick<Limiter, 'admit'>,
    private readonly policy: LimitPolicy,
  ) {}

  async increment(key: string): Promise<ClientRateLimitInfo> {
    const { quota } = this.policy.shared;
    const { remaining, resetMs } = await this.limiter.admit(this.policy, key).settled();
    // What is refused is not counted, but must look as if it were one too many.
    const totalHits = remaining < 0 ? quota + 1 : quota - remaining;
    return { totalHits, resetTime: new Date(Date.now() + resetMs) };
  }

  /** Nothing is ever taken back: a request that failed has been a request. */
  decrement(): void {
    return undefined;
  }

  /** Part of the contract, but nobody asks for it: what was admitted is forgotten when its window is over. */
  resetKey(): void {
    return undefined;
  }
}

const probes: ReadonlySet<string> = new Set(['/healthz', '/readyz']);

/** Limits, per address, what goes through Express: paths that are no route, and documents. */
export function createExpressLimit(limiter: Limiter, policy: LimitPolicy): RequestHandler {
  return rateLimit({
    windowMs: policy.shared.windowMs,
    limit: policy.shared.quota,
    store: new LimiterStore(limiter, policy),
    skip: ({ path }) => probes.has(path),
    keyGenerator: (request) => `a:${callerAddress(request as Request)}`,
    identifier: policy.name,
    standardHeaders: 'draft-8',
    legacyHeaders: true,
    handler: (request, _response, next) => next(limitProblem(policy, resetMsOf(request as LimitedRequest))),
    // Its checks are about addresses, which it does not decide on here.
    validate: false,
  });
}

interface LimitedRequest extends Request {
  rateLimit?: { resetTime: Date | undefined };
}

function resetMsOf({ rateLimit: info }: LimitedRequest): number {
  return (info?.resetTime?.getTime() ?? 0) - Date.now();
}
