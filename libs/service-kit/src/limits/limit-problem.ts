import { problems, type AppError } from '@rostrum/errors';
import type { LimitPolicy } from './limit-policy';

/** What a client does best that is refused again after it has waited: longer each time, and not all at once. */
const backoff = { strategy: 'exponential', multiplier: 2, maxSeconds: 300, jitter: 'full' } as const;

/** A 429 that says when to come back, and how to go on when that is refused too. */
export function limitProblem({ name, shared }: LimitPolicy, resetMs: number): AppError {
  const retryAfterSeconds = secondsUntil(resetMs);
  return problems.tooManyRequests(retryAfterSeconds, {
    detail: `The limit "${name}" is ${shared.quota} requests in ${shared.windowMs / 1000} s; come back in ${retryAfterSeconds} s`,
    extensions: {
      policy: name,
      retryAfterSeconds,
      backoff: { ...backoff, initialSeconds: retryAfterSeconds },
    },
  });
}

/** Never 0: who is told to come back at once does. */
export function secondsUntil(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}
