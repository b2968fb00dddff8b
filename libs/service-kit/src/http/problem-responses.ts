import { isAppError, problems, toProblem, type Problem } from '@rostrum/errors';
import type { RouteContract } from '@rostrum/contracts';
import { sqlProblem } from '@rostrum/data-access';
import type { RostrumLogger } from '@rostrum/observability';
import type { NextFunction, Request, Response } from 'express';
import { exchangeOf } from './exchange';
import { sendReply } from './reply';

export interface ErrorHooks {
  logger: Pick<RostrumLogger, 'error' | 'warn'>;
  countError: (type: string) => void;
}

/** Nothing matched: 405 where the path has other methods, else 404. */
export function createUnmatchedHandler(contracts: readonly RouteContract[]) {
  const patterns = contracts.map(({ path, method }) => ({
    method: method.toUpperCase(),
    pattern: patternOf(path),
  }));
  return (request: Request): void => {
    const allowed = patterns.filter(({ pattern }) => pattern.test(request.path)).map(({ method }) => method);
    throw allowed.length > 0 ? problems.methodNotAllowed([...new Set(allowed)]) : problems.routeNotFound();
  };
}

function patternOf(path: string): RegExp {
  const source = path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/:\w+/g, '[^/]+');
  return new RegExp(`^${source}/?$`);
}

/** The one place where errors become answers; only what a person must look at is logged as an error. */
export function createErrorHandler({ logger, countError }: ErrorHooks) {
  // Express knows an error handler by its four parameters.
  // eslint-disable-next-line max-params
  return (thrown: unknown, request: Request, response: Response, _next: NextFunction): void => {
    const exchange = exchangeOf(response);
    if (wasGivenUp(thrown, response) || (exchange?.overdue && response.headersSent)) return;
    const error = answerable(thrown);
    const requestId = exchange?.context.requestId ?? '';
    const problem = toProblem(error, { instance: request.path, requestId });
    if (exchange) exchange.error = error;
    countError(problem.code);
    logFault(logger, `${request.method} ${exchange?.route} failed: ${problem.code}`, { error, problem });
    if (response.headersSent) {
      response.destroy();
      return;
    }
    sendReply(
      response,
      { status: problem.status, body: problem, headers: problemHeaders(error) },
      problemType,
    );
  };
}

interface Fault {
  error: unknown;
  problem: Problem;
}

/** A 503 says that something else is down or full, which a storm of them need not explain with a stack each. */
function logFault(logger: ErrorHooks['logger'], message: string, { error, problem }: Fault): void {
  if (problem.status === 503) logger.warn(message, { reason: (error as Error).cause ?? problem.detail });
  else if (problem.status >= 500) logger.error(message, { error });
}

/** The client has gone and its work was aborted for that: there is nobody to answer, and nothing is wrong. */
function wasGivenUp(thrown: unknown, response: Response): boolean {
  return response.destroyed && (thrown as { name?: unknown } | null)?.name === 'AbortError';
}

const problemType = 'application/problem+json';

/** Express and its router mark a client's mistakes with a status, PostgreSQL with a code. */
function answerable(error: unknown): unknown {
  if (isAppError(error)) return error;
  const status = (error as { status?: unknown } | null)?.status;
  if (error instanceof URIError || status === 400)
    return problems.badRequest('MALFORMED_URL', 'The URL cannot be decoded', error);
  return sqlProblem(error);
}

function problemHeaders(error: unknown): string[] {
  if (!isAppError(error)) return [];
  const own = Object.entries(error.headers ?? {}).flat();
  return error.retryAfterSeconds === undefined
    ? own
    : [...own, 'Retry-After', String(error.retryAfterSeconds)];
}
