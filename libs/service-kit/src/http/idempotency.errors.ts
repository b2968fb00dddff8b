import { AppError, problems } from '@rostrum/errors';

const header = 'idempotency-key';

export const idempotencyErrors = {
  malformed: () =>
    problems.validation([
      {
        in: 'header',
        path: `/${header}`,
        code: 'invalid_format',
        message: 'must be 1 to 255 visible ASCII characters, once',
      },
    ]),

  inFlight: () =>
    new AppError({
      code: 'IDEMPOTENCY_KEY_IN_FLIGHT',
      status: 409,
      title: 'Conflict',
      detail: 'A request with this Idempotency-Key is being answered; repeat yours for its answer',
      retryAfterSeconds: 1,
      extensions: { retryAfterSeconds: 1 },
    }),

  mismatch: () =>
    new AppError({
      code: 'IDEMPOTENCY_KEY_REUSED',
      status: 422,
      title: 'Unprocessable content',
      detail: 'This Idempotency-Key belongs to another request; each request needs a key of its own',
    }),
};
