import { setTimeout as delay } from 'node:timers/promises';
import type { ShutdownPhase } from '@rostrum/resilience';
import type { Running } from './service';

const closeLimitMs = 5000;

/**
 * Readiness fails first and the process goes on serving, until every load balancer has noticed; then requests end,
 * then what works in the background, then the connections it all used, last what tells of it.
 */
export function shutdownPhases({
  kit,
  parts,
  health,
  http,
  publicServer,
  opsServer,
}: Running): ShutdownPhase[] {
  const { config, tracing, metrics } = kit;
  const { shutdownPropagationMs, shutdownDrainMs } = config;
  const phase = (name: string, run: ShutdownPhase['run'], timeoutMs = closeLimitMs): ShutdownPhase => ({
    name,
    timeoutMs,
    run,
  });
  const serving: ShutdownPhase[] =
    http && publicServer
      ? [
          phase('propagation', () => delay(shutdownPropagationMs), shutdownPropagationMs + closeLimitMs),
          {
            ...phase('requests', () => drainRequests(http, publicServer), shutdownDrainMs),
            describe: () => `requests (${http.inFlight.endpoints().join(', ')})`,
          },
        ]
      : [];
  return [
    phase('readiness', () => {
      health.startDraining();
      http?.drain();
    }),
    ...serving,
    ...(parts.work ?? []).map((work) => phase(work.name, () => work.stop(), shutdownDrainMs)),
    ...(publicServer ? [phase('connections', () => publicServer.closeAllConnections())] : []),
    // Asked on, each dependency would be reported as lost just because its connections are closed.
    phase('health checks', () => health.stop()),
    ...parts.resources.map((resource) => phase(resource.name, () => resource.close())),
    // Tracing has a limit of its own: a collector that is not there is no reason to call the shutdown a failure.
    phase('telemetry', () => tracing.shutdown(), 2 * closeLimitMs),
    phase('ops port', () => {
      metrics.close();
      opsServer.close();
      opsServer.closeAllConnections();
    }),
  ];
}

/** No new connections, idle ones closed, and whatever is being answered is answered. */
async function drainRequests(
  http: NonNullable<Running['http']>,
  server: NonNullable<Running['publicServer']>,
): Promise<void> {
  server.close();
  await http.inFlight.idle();
}
