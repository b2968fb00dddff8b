import { runWithContext, type Metrics, type RostrumLogger, type Tracing } from '@rostrum/observability';
import type { Request, Response } from 'express';
import { beginRequest } from './begin-request';
import { clientAddress, userAgentFamily } from './client-facts';
import { attachExchange, exchangeOf } from './exchange';
import type { InFlight } from './in-flight';

export interface ShellDependencies {
  logger: Pick<RostrumLogger, 'access'>;
  metrics: Pick<Metrics, 'httpRequest'>;
  tracing: Pick<Tracing, 'begin' | 'beginUndecided' | 'startServerSpan' | 'endServerSpan'>;
  /** Whether a trusted proxy's sampling decision is followed. */
  followsProxies: boolean;
  inFlight: InFlight;
}

/**
 * What is around every request: its id, trace and context, and, when the response is over, its access line, its
 * metrics and the end of its span. One function instead of five middlewares, because each step through Express costs.
 */
export function createRequestShell(dependencies: ShellDependencies) {
  const { tracing, inFlight } = dependencies;

  function onClose(this: Response): void {
    finish(this, dependencies);
  }

  return function requestShell(request: Request, response: Response, answer: () => void): void {
    const context = beginRequest(request, dependencies);
    context.method = request.method;
    if (context.sampled) {
      context.span = tracing.startServerSpan(context, request.method, {
        'http.request.method': request.method,
        'url.path': pathOf(request),
        'url.scheme': request.protocol,
      });
    }
    attachExchange(response, {
      context,
      startedAt: performance.now(),
      route: 'unmatched',
      params: undefined,
      bytes: 0,
      user: undefined,
      admission: undefined,
      abort: undefined,
      overdue: false,
      error: undefined,
      place: -1,
    });
    inFlight.enter(response);
    response.on('close', onClose);
    runWithContext(context, answer);
  };
}

function finish(response: Response, { logger, metrics, tracing, inFlight }: ShellDependencies): void {
  const exchange = exchangeOf(response);
  if (!exchange) return;
  const { context, route, startedAt, bytes } = exchange;
  const { req: request, statusCode: status } = response;
  const durationMs = performance.now() - startedAt;
  const aborted = !response.writableFinished;
  inFlight.leave(response);
  if (aborted) exchange.abort?.abort();
  metrics.httpRequest(
    request.method,
    route,
    status,
    durationMs / 1000,
    context.sampled ? context.traceId : undefined,
  );
  if (context.span)
    tracing.endServerSpan(context.span, { status, route, bytes, aborted, error: exchange.error });
  logger.access(
    {
      method: request.method,
      route,
      path: pathOf(request),
      status,
      durationMs,
      bytes,
      aborted,
      clientIp: clientAddress(request),
      userAgent: userAgentFamily(request.headers['user-agent']),
    },
    context,
  );
}

/** The path without its query: a query may carry what no log should. */
function pathOf(request: Request): string {
  const url = request.originalUrl;
  const end = url.indexOf('?');
  return end === -1 ? url : url.slice(0, end);
}
