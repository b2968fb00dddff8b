import { openApiDocument, type ServiceName } from '@rostrum/contracts';
import type { Metrics, RostrumLogger, Tracing } from '@rostrum/observability';
import type { TokenVerifier } from '@rostrum/security';
import express, { type Express } from 'express';
import type { HealthRegistry } from '../health/health-registry';
import { createRouteBinder, type RouteBinder } from './bind-route';
import { exchangeOf } from './exchange';
import { InFlight } from './in-flight';
import { createErrorHandler, createUnmatchedHandler } from './problem-responses';
import { sendReply } from './reply';
import { createRequestShell } from './request-shell';
import { addHeadersToEveryResponse } from './response-headers';

export interface HttpAppOptions {
  service: ServiceName;
  /** The proxies whose X-Forwarded-For is believed; never "all". */
  trustedProxies: readonly string[];
  logger: RostrumLogger;
  metrics: Metrics;
  tracing: Tracing;
  health: HealthRegistry;
  tokens?: TokenVerifier;
  checkResponses: boolean;
  /** Binds the service's routes. */
  routes: (binder: RouteBinder) => void;
}

export interface HttpApp {
  app: Express;
  inFlight: InFlight;
  /** From now on each response asks its client to close the connection. */
  drain(): void;
}

/** The public HTTP application of a service: the middleware order is the order of the lines below. */
export function createHttpApp(options: HttpAppOptions): HttpApp {
  const { logger, metrics } = options;
  const app = express();
  const inFlight = new InFlight();
  let draining = false;
  app.set('etag', false);
  app.set('x-powered-by', false);
  app.set('query parser', 'simple');
  app.set('case sensitive routing', true);
  app.set('trust proxy', [...options.trustedProxies]);
  addHeadersToEveryResponse(app, () => draining);

  const binder = createRouteBinder(app, { tokens: options.tokens, checkResponses: options.checkResponses });
  const errors = metrics.counter('errors_total', 'Errors answered, by their code', ['type']);

  app.use(createRequestShell({ ...options, inFlight }));
  options.routes(binder);
  serveDocuments(app, options);
  app.use(createUnmatchedHandler(binder.contracts));
  app.use(createErrorHandler({ logger, countError: (type) => errors.inc({ type }) }));
  for (const { method, path, responses } of binder.contracts) {
    metrics.primeRoute(method.toUpperCase(), path, [...Object.keys(responses).map(Number), 500]);
  }
  return {
    app,
    inFlight,
    drain: () => {
      draining = true;
    },
  };
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
