import { types } from 'node:util';
import { postgresErrors } from './postgres.errors';

/** What PostgreSQL says of an error, as far as programs act on it. */
export interface SqlError extends Error {
  code: string;
  severity?: string;
  constraint?: string;
  table?: string;
  column?: string;
}

export type QueryOutcome = 'ok' | 'error' | 'timeout' | 'cancelled' | 'unavailable';

const sqlState = /^[0-9A-Z]{5}$/;

/** `instanceof` knows errors of its own realm only, and tests run in another than Node's own code. */
export const isError: (value: unknown) => value is Error = types.isNativeError;

/** Whether the server itself reported this error (as against the driver, the socket or our own code). */
export function isSqlError(error: unknown): error is SqlError {
  return isError(error) && 'severity' in error && 'code' in error && sqlState.test(String(error.code));
}

const violates = (code: string) => (error: unknown, constraint?: string) =>
  isSqlError(error) && error.code === code && (constraint === undefined || error.constraint === constraint);

/** A row with this key is there already. */
export const isUniqueViolation = violates('23505');
/** The row that this one points to is not there (or something still points to the row being removed). */
export const isForeignKeyViolation = violates('23503');
export const isCheckViolation = violates('23514');
export const isNotNullViolation = violates('23502');

/** Two transactions got in each other's way: the same work, begun anew, may well succeed. */
export function isTransactionConflict(error: unknown): boolean {
  return isSqlError(error) && (error.code === '40001' || error.code === '40P01');
}

/**
 * Answers a constraint's violation with the domain's own error; any other error comes back as it is.
 * `throw mapViolation(error, { users_email_key: () => usersErrors.emailTaken() })`
 */
export function mapViolation(error: unknown, answers: Record<string, (cause: SqlError) => Error>): unknown {
  if (!isSqlError(error) || error.constraint === undefined || !error.code.startsWith('23')) return error;
  return Object.hasOwn(answers, error.constraint) ? (answers[error.constraint]?.(error) ?? error) : error;
}

/** Codes with which the server takes the connection away or refuses to give one. */
const connectionCodes = new Set(['57P01', '57P02', '57P03', '57P05', '53300', '53400', '25P03', '25P04']);

const poolTimeoutMessage = 'timeout exceeded when trying to connect';
const readTimeoutMessage = 'Query read timeout';

/** Neither the driver nor we have codes for these. */
const driverMessages = [
  'Connection terminated',
  'Client has encountered a connection error',
  'Client was closed',
  'Cannot use a pool after calling end',
  'timeout expired',
  poolTimeoutMessage,
  readTimeoutMessage,
];

/** Whether the connection, not the statement, is at fault: the connection must not be used again. */
export function isConnectionError(error: unknown): boolean {
  if (isSqlError(error)) return error.code.startsWith('08') || connectionCodes.has(error.code);
  if (!isError(error)) return false;
  return 'syscall' in error || driverMessages.some((start) => error.message.startsWith(start));
}

/** No connection became free in time. */
export function poolTimeout(): Error {
  return new Error(poolTimeoutMessage);
}

export function isPoolTimeout(error: unknown): boolean {
  return isError(error) && error.message === poolTimeoutMessage;
}

/** The server took the statement but did not answer within the client's own limit: it is frozen or unreachable. */
export function readTimeout(): Error {
  return new Error(readTimeoutMessage);
}

export function isReadTimeout(error: unknown): boolean {
  return isError(error) && error.message === readTimeoutMessage;
}

/**
 * The server takes no writes: the primary that this was has become a standby. Whoever did not ask for a read-only
 * transaction has the wrong server, and a new connection may lead to the right one.
 */
export function isReadOnlyServer(error: unknown): boolean {
  return isSqlError(error) && error.code === '25006';
}

/** The statement took too long, or waited too long for a lock. */
const timeoutCodes = new Set(['57014', '55P03']);

export function outcomeOf(error: unknown): QueryOutcome {
  if (isReadTimeout(error)) return 'timeout';
  if (isConnectionError(error)) return 'unavailable';
  return isSqlError(error) && timeoutCodes.has(error.code) ? 'timeout' : 'error';
}

/** Errors that are no fault of the statement become a 503 with the cause kept; all others come back as they are. */
export function toQueryError(error: unknown): unknown {
  const outcome = outcomeOf(error);
  return outcome === 'error' ? error : postgresErrors.unavailable(error);
}

/** What is wrong with data, what constraints and triggers refuse, and conflicts with others. */
const classesOfData = new Set(['21', '22', '23', '40', '44', 'P0']);

/**
 * The server has answered that it did not do it, because of what it was given: parts of that may fare better. Where it
 * took too long, or has no room, they would not.
 */
export function isRefusalOfData(error: unknown): boolean {
  return isSqlError(error) && classesOfData.has(error.code.slice(0, 2));
}
