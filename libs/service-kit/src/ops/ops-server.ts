import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { hash } from 'node:crypto';
import type { Metrics, RostrumLogger } from '@rostrum/observability';
import type { HealthRegistry } from '../health/health-registry';
import { adminActions, type AdminAction, type OpsReply } from './admin-actions';

export interface OpsOptions {
  metrics: Metrics;
  health: HealthRegistry;
  logger: RostrumLogger;
  /** What admin actions ask for as a bearer token; without one there are no admin actions. */
  opsToken: string | undefined;
  /** Actions of the service's own, by `METHOD /path`. */
  actions?: Readonly<Record<string, AdminAction>>;
}

type Answer = (request: IncomingMessage) => OpsReply | Promise<OpsReply>;

/** The private port: metrics, probes and admin actions. Plain `node:http`, so that it answers when all else fails. */
export function createOpsServer(options: OpsOptions): Server {
  const { metrics, health, logger } = options;
  const probes: Record<string, Answer> = {
    'GET /healthz': () => ({ status: 200, body: { status: 'ok' } }),
    'GET /readyz': () => probe(health.readiness().ready, health.readiness().summary),
    'GET /healthz/live': () => ({ status: 200, body: health.livenessDetails() }),
    'GET /healthz/ready': () => {
      const { ready, body } = health.readinessDetails();
      return probe(ready, body);
    },
    'GET /metrics': async (request) => {
      const { contentType, body } = await metrics.render(request.headers.accept);
      return { status: 200, text: body, contentType };
    },
  };
  const admin: Record<string, AdminAction> = { ...adminActions(logger), ...options.actions };

  return createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://ops');
    const key = `${request.method} ${url.pathname}`;
    void answer(key, request, url.searchParams)
      .catch((error: unknown) => {
        logger.error(`${key} failed`, { error });
        return { status: 500, body: { error: 'It failed; the log says why' } } satisfies OpsReply;
      })
      .then((reply) => send(response, reply));
  });

  async function answer(key: string, request: IncomingMessage, query: URLSearchParams): Promise<OpsReply> {
    const probeAnswer = probes[key];
    if (probeAnswer) return probeAnswer(request);
    const action = admin[key];
    if (!action) return { status: 404, body: { error: `There is no ${key} here` } };
    const act = { key, query, clientIp: request.socket.remoteAddress };
    if (!isAdmin(request, options.opsToken)) {
      logger.warn(`Refused to a stranger: ${key}`, auditFields(act));
      return { status: 403, body: { error: 'Admin actions need the bearer token of OPS_TOKEN' } };
    }
    const reply = await action(query);
    // Reading changes nothing; of all else it must be known afterwards that it was done, and from where.
    if (request.method !== 'GET') logger.info(`Done by an operator: ${key}`, auditFields(act, reply.status));
    return reply;
  }
}

interface Act {
  key: string;
  query: URLSearchParams;
  clientIp: string | undefined;
}

function auditFields({ key, query, clientIp }: Act, status?: number): object {
  return {
    audit: true,
    action: key,
    parameters: Object.fromEntries(query),
    client_ip: clientIp,
    ...(status !== undefined && { status }),
  };
}

function probe(ready: boolean, body: object): OpsReply {
  return { status: ready ? 200 : 503, body };
}

/** Compares digests, so that neither the time nor the length of the answer tells anything of the token. */
function isAdmin(request: IncomingMessage, token: string | undefined): boolean {
  if (token === undefined) return false;
  const digest = (text: string) => hash('sha256', text, 'buffer');
  return timingSafeEqual(digest(request.headers.authorization ?? ''), digest(`Bearer ${token}`));
}

function send(response: ServerResponse, reply: OpsReply): void {
  const text = reply.text ?? JSON.stringify(reply.body);
  response.writeHead(reply.status, {
    'Content-Type': reply.contentType ?? 'application/json; charset=utf-8',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(text);
}
