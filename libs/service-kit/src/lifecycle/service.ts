import type { Server } from 'node:http';
import type { TokenVerifier } from '@rostrum/security';
import { runShutdown, type ShutdownResult } from '@rostrum/resilience';
import type { RouteBinder } from '../http/bind-route';
import { createHttpApp, type HttpApp } from '../http/http-app';
import type { Idempotency } from '../http/idempotency';
import { HealthRegistry, type Dependency } from '../health/health-registry';
import type { Limits } from '../limits/limits';
import type { AdminAction } from '../ops/admin-actions';
import { createOpsServer } from '../ops/ops-server';
import type { Kit } from './kit';
import { createPublicServer, listen } from './public-server';
import { proveInstrumentation, type SelfCheckProbes } from './self-check';
import { shutdownPhases } from './shutdown-phases';

/** Something that works in the background: a consumer, a relay, a set of sockets. */
export interface BackgroundWork {
  name: string;
  start: () => Promise<void> | void;
  stop: () => Promise<void> | void;
}

/** Something that is closed when nothing needs it any more. */
export interface Resource {
  name: string;
  /** Before anybody is served; what it rejects with ends the start. */
  open?: () => Promise<void> | void;
  close: () => Promise<void> | void;
}

export interface ServiceParts {
  dependencies: readonly Dependency[];
  /** Binds the public routes; a worker has none. */
  routes?: (binder: RouteBinder) => void;
  tokens?: TokenVerifier;
  limits?: Limits;
  /** Needed by routes whose contracts are idempotent. */
  idempotency?: Idempotency;
  /** Takes over WebSocket upgrades of the public server. */
  attach?: (server: Server) => void;
  work?: readonly BackgroundWork[];
  /** Closed in this order: PostgreSQL before Redis. */
  resources: readonly Resource[];
  actions?: Readonly<Record<string, AdminAction>>;
  selfCheck?: SelfCheckProbes;
}

export interface Service {
  start(): Promise<{ port: number | undefined; opsPort: number }>;
  stop(reason: string): Promise<ShutdownResult>;
  readonly kit: Kit;
}

/** Puts the parts of a process together, and knows in which order they start and stop. */
export function createService(kit: Kit, parts: ServiceParts): Service {
  const { config, logger, metrics } = kit;
  const health = new HealthRegistry({
    dependencies: parts.dependencies,
    onChange: ({ name, status, error }) =>
      logger[status === 'up' ? 'info' : 'warn'](`${name} is ${status}`, { reason: error }),
  });
  const http = parts.routes && createHttpApp({ ...httpOptions(kit, parts), routes: parts.routes, health });
  const publicServer = http && createPublicServer(http);
  const opsServer = createOpsServer({
    metrics,
    health,
    logger,
    opsToken: config.opsToken,
    actions: { ...kit.breakers.actions(), ...parts.actions },
  });
  const running: Running = { kit, parts, health, http, publicServer, opsServer };
  let stopping: Promise<ShutdownResult> | undefined;
  return {
    kit,
    start: () => start(running),
    stop: (reason) => (stopping ??= stop(running, reason)),
  };
}

export interface Running {
  kit: Kit;
  parts: ServiceParts;
  health: HealthRegistry;
  http: HttpApp | undefined;
  publicServer: Server | undefined;
  opsServer: Server;
}

function httpOptions(
  { service, config, logger, metrics, tracing }: Kit,
  { tokens, limits, idempotency }: ServiceParts,
) {
  return {
    service,
    trustedProxies: config.trustedProxies,
    followsProxies: config.tracingFollowProxies,
    allowedOrigins: config.corsAllowedOrigins,
    logger,
    metrics,
    tracing,
    checkResponses: config.environment === 'development' || config.environment === 'test',
    requestTimeoutMs: config.requestTimeoutMs,
    ...(tokens && { tokens }),
    ...(limits && { limits }),
    ...(idempotency && { idempotency }),
  };
}

/** The ops port opens first, so that probes see a process that is alive but not ready yet. */
async function start({ kit, parts, health, publicServer, opsServer }: Running) {
  const { config, logger, tracing } = kit;
  const opsPort = await listen(opsServer, { port: config.opsPort, host: config.host });
  for (const resource of parts.resources) await resource.open?.();
  if (publicServer) parts.attach?.(publicServer);
  const port = publicServer && (await listen(publicServer, { port: config.port, host: config.host }));
  for (const work of parts.work ?? []) await work.start();
  await health.start();
  if (tracing.enabled && parts.selfCheck) await proveInstrumentation(kit, parts.selfCheck, opsPort);
  logger.info(`${kit.service} ${kit.role} is up`, {
    port,
    ops_port: opsPort,
    version: config.serviceVersion,
  });
  return { port, opsPort };
}

async function stop(running: Running, reason: string): Promise<ShutdownResult> {
  const { logger, config } = running.kit;
  logger.info(`Stopping: ${reason}`);
  const result = await runShutdown(shutdownPhases(running), {
    maxMs: config.shutdownMaxMs,
    onPhase: ({ name, outcome, ms }) => {
      if (outcome !== 'ok') logger.error(`Shutdown phase ${name}: ${outcome}`, { duration_ms: ms });
    },
  });
  logger[result.ok ? 'info' : 'error'](result.ok ? 'Stopped' : `Stopped, but ${result.stuck} was stuck`);
  await logger.close();
  return result;
}
