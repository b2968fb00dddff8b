import { AppError } from '@rostrum/errors';

export const attemptsErrors = {
  /** The same whether or not there is such an account. */
  tooMany: (waitMs: number) =>
    new AppError({
      code: 'TOO_MANY_ATTEMPTS',
      status: 429,
      title: 'Too many attempts',
      detail: 'There were too many wrong passwords; wait for as long as Retry-After says',
      retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)),
    }),
};
