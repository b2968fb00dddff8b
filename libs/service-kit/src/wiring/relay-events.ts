import { streams } from '@rostrum/contracts';
import { startRelay, type Database, type Relay } from '@rostrum/data-access';
import type { Kit } from '../lifecycle/kit';
import type { BackgroundWork } from '../lifecycle/service';
import type { OpenEventBus } from './open-event-bus';

export interface EventStores {
  database: Database;
  events: OpenEventBus;
}

/** Work for a worker: what this service has written into its outbox goes into its stream. */
export function relayEvents(
  { service, logger, metrics }: Kit,
  { database, events }: EventStores,
): BackgroundWork {
  let relay: Relay | undefined;
  const published = metrics.counter('events_published_total', 'Events sent to the stream of this service');
  const restored = metrics.counter(
    'events_restored_total',
    'Events that the bus had lost, and that were sent anew',
  );
  for (const counter of [published, restored]) counter.inc(0);
  metrics.gauge('event_relay_backlog', 'Events of this service that wait to be published', {
    collect: async (gauge) => gauge.set((await relay?.backlog())?.count ?? 0),
  });
  metrics.gauge('event_relay_oldest_seconds', 'How long the oldest event that waits has waited', {
    collect: async (gauge) => gauge.set((await relay?.backlog())?.oldestSeconds ?? 0),
  });
  return {
    name: 'relay',
    start: () => {
      relay = startRelay({
        database,
        bus: events.bus,
        schema: service,
        stream: streams[service],
        retentionMs: events.retentionMs,
        hooks: {
          onPublished: ({ count }) => published.inc(count),
          onRestored: ({ count }) => {
            restored.inc(count);
            logger.warn('The bus has lost events; they are published anew', { count });
          },
          onError: (error) => logger.warn('Events wait: they could not be published', { error }),
        },
      });
    },
    stop: () => relay?.stop(),
  };
}
