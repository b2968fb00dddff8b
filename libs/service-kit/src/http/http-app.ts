import { openApiDocument, type ServiceName } from '@rostrum/contracts';
import { problems } from '@rostrum/errors';
import { runWithContext, type Metrics, type RostrumLogger, type Tracing } from '@rostrum/observability';
import type { TokenVerifier } from '@rostrum/security';
import express, { type Express, type Request, type Response } from 'express';
import type { HealthRegistry } from '../health/health-registry';
import type { Limits } from '../limits/limits';
import { createRouteBinder, type BoundRoute, type RouteBinder } from './bind-route';
import { exchangeOf, type Exchange } from './exchange';
import type { Idempotency } from './idempotency';
import { InFlight } from './in-flight';
import { createErrorHandler, createUnmatchedHandler } from './problem-responses';
import { sendReply } from './reply';
import { createRequestShell } from './request-shell';
import { RouteTable } from './route-table';
import { addHeadersToEveryResponse } from './response-headers';

export interface HttpAppOptions {
  service: ServiceName;
  /** The proxies whose X-Forwarded-For is believed; never "all". */
  trustedProxies: readonly string[];
  /** Whether they decide which requests are traced. */
  followsProxies: boolean;
  logger: RostrumLogger;
  metrics: Metrics;
  tracing: Tracing;
  health: HealthRegistry;
  tokens?: TokenVerifier | undefined;
  /** The origins of web pages, besides the service's own, that may use its cookies. */
  allowedOrigins?: readonly string[] | undefined;
  checkResponses: boolean;
  /** The longest that a request may take to be answered. */
  requestTimeoutMs: number;
  limits?: Limits | undefined;
  idempotency?: Idempotency | undefined;
  /** Binds the service's routes. */
  routes: (binder: RouteBinder) => void;
}

export interface HttpApp {
  app: Express;
  /** What the server calls for each request. */
  listener: (request: Request, response: Response) => void;
  inFlight: InFlight;
  /** From now on each response asks its client to close the connection. */
  drain(): void;
}

/** The public HTTP application of a service: what surrounds a request, its routes, and Express for all the rest. */
export function createHttpApp(options: HttpAppOptions): HttpApp {
  const { logger, metrics } = options;
  const app = express();
  const table = new RouteTable<BoundRoute>();
  let draining = false;
  app.set('etag', false);
  app.set('x-powered-by', false);
  app.set('query parser', 'simple');
  app.set('case sensitive routing', true);
  app.set('trust proxy', [...options.trustedProxies]);
  addHeadersToEveryResponse(app, () => draining);

  const errors = metrics.counter('errors_total', 'Errors answered, by their code', ['type']);
  const handleError = createErrorHandler({ logger, countError: (type) => errors.inc({ type }) });
  const onError = (error: unknown, request: Request, response: Response) =>
    handleError(error, request, response, () => undefined);
  const binder = createRouteBinder(app, table, { ...options, onError });
  const inFlight = new InFlight({
    limitMs: options.requestTimeoutMs,
    onOverdue: (response, exchange) => giveUp(response, exchange, onError),
  });
  options.routes(binder);
  if (options.limits) app.use(options.limits.expressLimit);
  serveDocuments(app, options);
  app.use(createUnmatchedHandler(binder.contracts));
  app.use(handleError);
  for (const { method, path, responses } of binder.contracts) {
    metrics.primeRoute(method.toUpperCase(), path, [...Object.keys(responses).map(Number), 500]);
  }
  return {
    app,
    listener: createListener({ app, table, onError, shell: createRequestShell({ ...options, inFlight }) }),
    inFlight,
    drain: () => {
      draining = true;
    },
  };
}

type OnError = (error: unknown, request: Request, response: Response) => void;

interface ListenerParts {
  app: Express;
  table: RouteTable<BoundRoute>;
  onError: OnError;
  shell: ReturnType<typeof createRequestShell>;
}

/** A request that the table knows never goes through Express's router, which costs as much as all of our own work. */
function createListener({ app, table, onError, shell }: ListenerParts): HttpApp['listener'] {
  return (request, response) => {
    request.res = response;
    request.originalUrl = request.url;
    shell(request, response, () => {
      const found = table.find(request.method, request.url);
      if (found === undefined) {
        app(request, response);
        return;
      }
      try {
        const answered = found.route.handle(request, response, found.params);
        answered?.catch((error: unknown) => onError(error, request, response));
      } catch (error) {
        onError(error, request, response);
      }
    });
  };
}

/** Answers in place of a handler that takes too long, and tells it to stop. */
function giveUp(response: Response, exchange: Exchange, onError: OnError): void {
  if (response.headersSent) return;
  const problem = problems.deadlineExceeded();
  exchange.abort?.abort(problem);
  runWithContext(exchange.context, () => onError(problem, response.req, response));
}

/** The short probes and the API's own description; the gateway routes none of them. */
function serveDocuments(app: Express, { service, health }: HttpAppOptions): void {
  let openApi: string | undefined;
  const serve = (path: string, answer: () => { status: number; raw: string }) =>
    app.get(path, (_request, response) => {
      const exchange = exchangeOf(response);
      if (exchange) exchange.route = path;
      sendReply(response, answer());
    });
  serve('/healthz', () => ({ status: 200, raw: '{"status":"ok"}' }));
  serve('/readyz', () => {
    const { ready, summary } = health.readiness();
    return { status: ready ? 200 : 503, raw: JSON.stringify(summary) };
  });
  serve('/openapi.json', () => ({
    status: 200,
    raw: (openApi ??= JSON.stringify(openApiDocument(service))),
  }));
}
