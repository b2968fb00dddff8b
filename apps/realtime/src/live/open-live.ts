import type { Redis } from '@rostrum/data-access';
import { type BackgroundWork, type Dependency, type Kit, type Resource } from '@rostrum/service-kit';
import type { LiveConfig, SocketConfig } from '../config';
import { FeedReaders } from '../fan-out/feed-readers';
import { PresenceWatch, type PresenceWatchParts } from '../presence/presence-watch';
import type { Connection } from '../sockets/connection';
import type { MessageHandlers } from '../sockets/message-router';
import { AcksStore } from './acks.store';
import { channelKinds, channels as names, kindOf } from './channel-names';
import { EventLog, type LogSettings } from './event-log';
import { Heartbeats } from './heartbeats';
import { LiveChannels } from './live-channels';
import { liveHandlers } from './live-handlers';
import { LiveMetrics } from './live-metrics';
import type { LivePublisher } from './live-publisher';
import { MissedNotifications, type MissedNotificationsParts } from './missed-notifications';
import { openPostsClient } from './open-posts-client';
import { Rechecks } from './rechecks';
import { Subscriptions } from './subscriptions';
import { Visibility } from './visibility';

export interface LiveParts {
  config: LiveConfig & SocketConfig & { postsUrl: string };
  redis: Redis;
  publisher: LivePublisher;
  missed: MissedNotificationsParts['newerThan'];
  presence: Pick<PresenceWatchParts, 'store' | 'choices'>;
}

export interface Live {
  handlers: MessageHandlers;
  /** What the sockets need of it. */
  sockets: { assertReady: () => void; left: (connection: Connection) => void };
  work: BackgroundWork;
  dependency: Dependency;
  resources: Resource[];
}

export function logSettings(config: LiveConfig): LogSettings {
  return {
    maxEvents: config.liveLogEvents,
    windowSeconds: config.liveLogSeconds,
    positionSeconds: config.livePositionSeconds,
  };
}

/** Channels, and who subscribes to them. */
export function openLive(kit: Kit, parts: LiveParts): Live {
  const { config, redis, publisher } = parts;
  const { logger } = kit;
  const onError = (error: unknown) => logger.debug('Channels have lost Redis', { error });
  const metrics = new LiveMetrics(kit);
  const { posts, resource } = openPostsClient(kit, config, 'nobody subscribes to posts and people');
  const visibility = new Visibility(posts);
  const onHint = (channel: string) => watch.hint(channel);
  const channels = openChannels(kit, { config, redis, metrics, visibility, onHint, onError });
  const watch = openWatch(kit, { channels, visibility, presence: parts.presence });
  const readers = new FeedReaders({ redis, windowSeconds: config.liveLogSeconds });
  const subscriptions = openSubscriptions(kit, parts, { channels, visibility, metrics, readers, watch });
  const { livePositionSeconds: keptSeconds, websocketHeartbeatSeconds: everySeconds } = config;
  const acks = new AcksStore({ redis, keptSeconds, onError });
  const rechecks = new Rechecks({
    channels,
    subscriptions,
    visibility,
    onError: (error) => logger.warn('Nobody says who may still see what', { error }),
  });
  countSubscriptions(kit, subscriptions);
  return {
    handlers: liveHandlers({ subscriptions, acks, publisher }),
    sockets: {
      assertReady: () => channels.assertReady(),
      left: (connection) => subscriptions.leaveAll(connection),
    },
    work: channelWork(channels, [
      acks,
      new Heartbeats({ subscriptions, everySeconds }),
      rechecks,
      watch,
      readersWork({ readers, subscriptions, onError }),
    ]),
    dependency: { name: 'redis subscriptions', criticality: 'critical', check: () => channels.ping() },
    resources: [resource, { name: 'redis subscriptions', close: () => channels.close() }],
  };
}

interface SubscriptionsSurroundings {
  channels: LiveChannels;
  visibility: Visibility;
  metrics: LiveMetrics;
  readers: FeedReaders;
  watch: PresenceWatch;
}

function openSubscriptions(
  { logger }: Kit,
  { config, missed }: LiveParts,
  { channels, visibility, metrics, readers, watch }: SubscriptionsSurroundings,
): Subscriptions {
  return new Subscriptions({
    channels,
    maySee: (userId, channel) => visibility.maySee(userId, channel),
    announceReader: (userId) => readers.add([userId]),
    missed: new MissedNotifications({
      newerThan: missed,
      onError: (error) => logger.warn('Missed notifications could not be read', { error }),
    }),
    metrics,
    maxSubscriptions: config.websocketMaxSubscriptions,
    onJoined: (membership) => watch.welcome(membership),
  });
}

interface WatchParts extends Pick<LiveParts, 'presence'> {
  channels: LiveChannels;
  visibility: Visibility;
}

function openWatch({ logger }: Kit, { channels, visibility, presence }: WatchParts): PresenceWatch {
  return new PresenceWatch({
    ...presence,
    channels,
    ownerOf: (channel) => visibility.ownerOf(channel),
    onError: (error) => logger.debug('Nobody says who is online', { error }),
  });
}

interface Clockwork {
  start: () => void;
  stop: () => Promise<void> | void;
}

function channelWork(channels: LiveChannels, parts: readonly Clockwork[]): BackgroundWork {
  return {
    name: 'channels',
    start: async () => {
      await channels.start();
      for (const part of parts) part.start();
    },
    stop: async () => {
      for (const part of parts) await part.stop();
    },
  };
}

const feedsEveryMs = 10_000;

interface ReadersParts {
  readers: FeedReaders;
  subscriptions: Subscriptions;
  onError: (error: unknown) => void;
}

/** Says again and again who listens to their feed, also for a Redis that has forgotten it. */
function readersWork({ readers, subscriptions, onError }: ReadersParts): Clockwork {
  let clock: NodeJS.Timeout | undefined;
  const tell = () => {
    const userIds = new Set<string>();
    for (const [{ user }, memberships] of subscriptions) {
      const feed = names.feed(user.userId);
      if (memberships.some(({ channel }) => channel === feed)) userIds.add(user.userId);
    }
    readers.add([...userIds]).catch(onError);
  };
  return {
    start: () => void (clock = setInterval(tell, feedsEveryMs).unref()),
    stop: () => clearInterval(clock),
  };
}

interface ChannelsParts extends Pick<LiveParts, 'config' | 'redis'> {
  metrics: LiveMetrics;
  visibility: Visibility;
  onHint: (channel: string) => void;
  onError: (error: unknown) => void;
}

function openChannels({ logger, tracing }: Kit, parts: ChannelsParts): LiveChannels {
  const { config, redis, metrics, visibility, onHint, onError } = parts;
  return new LiveChannels({
    redis,
    log: new EventLog(redis, logSettings(config)),
    listeners: { tracing, metrics, visibility },
    checkSeconds: config.websocketHeartbeatSeconds,
    hooks: {
      onSynced: (count) => logger.info('Live events arrive', { channels: count }),
      onHole: () => metrics.holeFound(),
      onMalformed: () => {
        metrics.eventDropped('malformed');
        logger.error('A live event is not as its schema says');
      },
      onHint,
      onError,
    },
  });
}

function countSubscriptions({ metrics }: Kit, subscriptions: Subscriptions): void {
  metrics.gauge('realtime_subscriptions', 'Subscriptions of clients, by kind of channel', {
    labelNames: ['kind'],
    collect: (gauge) => {
      for (const kind of channelKinds) gauge.set({ kind }, 0);
      for (const [, memberships] of subscriptions) {
        for (const { channel } of memberships) gauge.inc({ kind: kindOf(channel) });
      }
    },
  });
}
