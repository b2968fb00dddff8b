import { streams } from '@rostrum/contracts';
import { startRelay, type Database, type Redis, type Relay } from '@rostrum/data-access';
import type { Kit } from '../lifecycle/kit';
import type { BackgroundWork } from '../lifecycle/service';

export interface EventStores {
  database: Database;
  redis: Redis;
}

/** Work for a worker: what this service has written into its outbox goes into its stream. */
export function relayEvents({ service, logger, metrics }: Kit, stores: EventStores): BackgroundWork {
  let relay: Relay | undefined;
  const published = metrics.counter('events_published_total', 'Events sent to the stream of this service');
  metrics.gauge('event_relay_backlog', 'Events of this service that wait to be published', {
    collect: async (gauge) => gauge.set((await relay?.backlog()) ?? 0),
  });
  return {
    name: 'relay',
    start: () => {
      relay = startRelay({
        ...stores,
        schema: service,
        stream: streams[service],
        hooks: {
          onPublished: ({ count }) => published.inc(count),
          onRestored: ({ count }) => logger.warn('Redis has lost events; they are published anew', { count }),
          onError: (error) => logger.warn('Events wait: they could not be published', { error }),
        },
      });
    },
    stop: () => relay?.stop(),
  };
}
