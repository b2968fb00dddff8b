import { AppError, isAppError, problems } from '@rostrum/errors';
import { postgresErrors } from './postgres.errors';
import { isSqlError, type SqlError } from './sql-state';

const conflict = (code: string, detail: string) => (cause: SqlError) =>
  problems.conflict(code, detail, cause);
const invalid = (cause: SqlError) =>
  problems.badRequest('INVALID_VALUE', 'A value has a form, a length or a size that cannot be kept', cause);
const later = (cause: SqlError) =>
  new AppError({
    code: 'TRANSACTION_CONFLICT',
    status: 503,
    title: 'Service unavailable',
    detail: 'Others changed the same at the same time; try again soon',
    retryAfterSeconds: 1,
    cause,
  });

/**
 * Too long, out of range, no such date, bytes or escapes that are no text (the NUL character above all), no number, no
 * uuid, no JSON, no pattern: what got past a contract. The rest of the class is for statements that are wrong.
 */
const badValues = [
  '22001',
  '22003',
  '22007',
  '22008',
  '22021',
  '22025',
  '22032',
  '22P02',
  '22P03',
  '22P05',
  '2201B',
];

/** By code, else by the class that its first two characters are. What is in neither is our own mistake: a 500. */
const answers: Readonly<Record<string, (cause: SqlError) => AppError>> = {
  ...Object.fromEntries(badValues.map((code) => [code, invalid])),
  '23502': invalid,
  '23503': conflict(
    'REFERENCE_CONFLICT',
    'What this points to is not there, or something still points to it',
  ),
  '23505': conflict('ALREADY_EXISTS', 'There is one like this already'),
  '23514': invalid,
  '23P01': conflict('ALREADY_EXISTS', 'There is one already that this one would overlap'),
  '40': later,
  '55P03': (cause) => postgresErrors.unavailable(cause),
  '08': (cause) => postgresErrors.unavailable(cause),
  '25006': (cause) => postgresErrors.unavailable(cause),
  '53': (cause) => postgresErrors.unavailable(cause),
  '57': (cause) => postgresErrors.unavailable(cause),
  '58': (cause) => postgresErrors.unavailable(cause),
};

/**
 * What an error of the database that no service has given a meaning is to the client: whose fault it is, and whether to
 * try again. Any other error, and what can only be a mistake of our own, comes back as it is.
 */
export function sqlProblem(error: unknown): unknown {
  if (isAppError(error) || !isSqlError(error)) return error;
  const answer = answers[error.code] ?? answers[error.code.slice(0, 2)];
  return answer ? answer(error) : error;
}
