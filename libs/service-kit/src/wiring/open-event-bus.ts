import type { Config, eventSettings } from '@rostrum/config';
import { createNatsBus, createRedisBus, type EventBus, type Redis } from '@rostrum/data-access';
import type { Dependency } from '../health/health-registry';
import type { Kit } from '../lifecycle/kit';
import type { Resource } from '../lifecycle/service';

export interface OpenEventBus {
  kind: 'redis' | 'nats';
  bus: EventBus;
  retentionMs: number;
  handlerTimeoutMs: number;
  /** Where the bus is a server of its own. */
  dependencies: readonly Dependency[];
  resource: Resource;
}

/** What carries this service's events, as the configuration says. Without it events wait: it is degradable. */
export function openEventBus(
  kit: Kit,
  config: Config<typeof eventSettings>,
  { redis }: { redis: Redis },
): OpenEventBus {
  const { kind } = config.eventBusConnection;
  const bus = connectBus(kit, config, redis);
  return {
    kind,
    bus,
    retentionMs: config.eventRetentionSeconds * 1000,
    handlerTimeoutMs: config.eventHandlerTimeoutMs,
    dependencies:
      kind === 'nats' ? [{ name: 'nats', criticality: 'degradable', check: () => bus.ping() }] : [],
    resource: { name: 'event bus', close: () => bus.close() },
  };
}

function connectBus(
  { service, role }: Kit,
  { eventBusConnection: connection, eventStreamMaxLength: maxLength }: Config<typeof eventSettings>,
  redis: Redis,
): EventBus {
  if (connection.kind === 'redis') return createRedisBus({ redis, maxLength });
  const { kind: _kind, ...servers } = connection;
  return createNatsBus({ ...servers, maxLength, name: `rostrum-${service}-${role}` });
}
