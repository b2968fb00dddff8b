import { AppError, problems } from '@rostrum/errors';

/** What PostgreSQL's faults, and those of its users, are to whoever asked. */
export const postgresErrors = {
  unavailable: (cause: unknown): AppError => problems.unavailable('postgres', 1, cause),

  /** The connection went away between COMMIT and its answer. To try again by itself could do it twice. */
  outcomeUnknown: (cause: unknown): AppError =>
    new AppError({
      code: 'POSTGRES_OUTCOME_UNKNOWN',
      status: 503,
      title: 'Service unavailable',
      detail:
        'It is not known whether this was saved: look before you try again, or repeat it with its Idempotency-Key',
      retryAfterSeconds: 1,
      cause,
    }),

  rolledBack: (cause: unknown): AppError =>
    problems.conflict(
      'TRANSACTION_ROLLED_BACK',
      'A statement of this transaction failed, so none of it was kept',
      cause,
    ),
};
