import { randomUUID } from 'node:crypto';
import type { Database, Redis } from '@rostrum/data-access';
import { RepeatedWork, type BackgroundWork, type Kit, type RouteBinder } from '@rostrum/service-kit';
import { channels } from '../live/channel-names';
import type { LivePublisher } from '../live/live-publisher';
import type { Connections } from '../sockets/connections';
import type { MessageHandlers } from '../sockets/message-router';
import { InstanceReports } from './instance-reports';
import { PresenceChoicesRepository } from './presence-choices.repository';
import { PresenceKeeper } from './presence-keeper';
import { presenceMessages } from './presence-messages';
import { presenceRoutes } from './presence.routes';
import { PresenceService } from './presence.service';
import type { PresenceWatchParts } from './presence-watch';
import { PresenceStore } from './presence.store';

export interface PresenceSurroundings {
  database: Database;
  redis: Redis;
  connections: Pick<Connections, 'size' | 'people' | 'queuedBytes'>;
  publisher: Pick<LivePublisher, 'hint'>;
}

export interface OpenPresence {
  keeper: PresenceKeeper;
  /** Where it is seen how people are. */
  sources: Pick<PresenceWatchParts, 'store' | 'choices'>;
  handlers: Pick<MessageHandlers, 'presence'>;
  routes: (binder: RouteBinder) => void;
  work: BackgroundWork;
}

const reportEveryMs = 5_000;

export function openPresence(
  { logger }: Kit,
  { websocketHeartbeatSeconds: heartbeatSeconds }: { websocketHeartbeatSeconds: number },
  { database, redis, connections, publisher }: PresenceSurroundings,
): OpenPresence {
  const instanceId = randomUUID();
  // A sign of life comes with each heartbeat; one that is lost on the way must not make a user look gone.
  const store = new PresenceStore({ redis, instanceId, ttlSeconds: 2 * heartbeatSeconds + 1 });
  const onError = (error: unknown) => logger.debug('Presence could not be told', { error });
  const hint = (username: string) => publisher.hint(channels.presence(username));
  const keeper = new PresenceKeeper({ store, hint, onError });
  const choices = new PresenceChoicesRepository(database);
  const reports = new InstanceReports({ redis, instanceId, sockets: connections });
  const telling = new RepeatedWork({
    name: 'report',
    everyMs: reportEveryMs,
    round: () => reports.tell(),
    onError,
  });
  return {
    keeper,
    sources: { store, choices },
    handlers: { presence: presenceMessages({ keeper, choices }) },
    routes: (binder) => presenceRoutes(binder, { presence: new PresenceService(store, choices), reports }),
    work: {
      name: telling.name,
      start: () => telling.start(),
      stop: async () => {
        await telling.stop();
        await reports.withdraw().catch(onError);
      },
    },
  };
}
