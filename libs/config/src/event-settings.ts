import { z } from 'zod';
import { integer, list } from './formats';
import { derived, setting, type Config } from './setting';

const given = {
  eventBus: setting(z.enum(['redis', 'nats']).default('redis'), {
    env: 'EVENT_BUS',
    doc: 'what carries events between services: redis (its streams) or nats (its JetStream); the same in all of them',
  }),
  natsUrl: setting(list(natsUrl()).optional(), {
    env: 'NATS_URL',
    doc: 'with EVENT_BUS=nats: its servers, as nats://user:password@host:port,…; tls:// for TLS',
    secret: true,
  }),
  natsTlsCa: setting(
    z.string().startsWith('-----BEGIN ', 'must be a PEM; its file can be named with _FILE').optional(),
    {
      env: 'NATS_TLS_CA',
      doc: "the PEM of the authority that has signed NATS's certificates, where the system does not know it",
    },
  ),
  natsReplicas: setting(integer(1, 5).default(1), {
    env: 'NATS_REPLICAS',
    doc: 'how many servers of a NATS cluster keep each stream; 3 survive the loss of one',
  }),
};

/** How a worker sends and is given events. */
export const eventSettings = {
  ...given,
  eventBusConnection: derived(given, busConnection),
  eventRetentionSeconds: setting(integer(10, 259_200).default(600), {
    env: 'EVENT_RETENTION_SECONDS',
    doc: 'how long sent events are kept, to be sent anew when the bus has lost them in a crash',
  }),
  eventStreamMaxLength: setting(integer(1_000, 1_000_000_000).default(1_000_000), {
    env: 'EVENT_STREAM_MAX_LENGTH',
    doc: 'a stream that holds so many events takes no more until some have been handled; they wait in PostgreSQL',
  }),
  eventHandlerTimeoutMs: setting(integer(100, 600_000).default(15_000), {
    env: 'EVENT_HANDLER_TIMEOUT_MS',
    doc: 'the longest that handling one event may take; its transaction may not wait idly for longer than 15 s',
  }),
};

export type EventBusConnection =
  { kind: 'redis' } | { kind: 'nats'; servers: readonly string[]; replicas: number; tlsCa?: string };

function busConnection({
  eventBus,
  natsUrl: servers = [],
  natsTlsCa,
  natsReplicas: replicas,
}: Config<typeof given>): EventBusConnection {
  if ((eventBus === 'nats') !== servers.length > 0) {
    throw new Error('EVENT_BUS=nats and NATS_URL: either goes with the other');
  }
  if (eventBus === 'redis') return { kind: 'redis' };
  return { kind: 'nats', servers, replicas, ...(natsTlsCa !== undefined && { tlsCa: natsTlsCa }) };
}

function natsUrl() {
  return z.url({ protocol: /^(nats|tls)$/ });
}
