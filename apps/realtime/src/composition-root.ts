import type { RevocationList, TokenVerifier } from '@rostrum/security';
import {
  consumeEvents,
  createKit,
  createService,
  deadLetterActions,
  openLimits,
  openEventBus,
  openStores,
  openTokens,
  relayEvents,
  type BackgroundWork,
  type Kit,
  type KitOverrides,
  type Service,
  type Subscriptions,
} from '@rostrum/service-kit';
import { SocketEvents } from './business-events';
import type { RealtimeConfig, RealtimeWorkerConfig, SocketConfig } from './config';
import { openDigests } from './digest/open-digests';
import { openCopies } from './copies/open-copies';
import { openFanOut } from './fan-out/open-fan-out';
import { LivePublisher } from './live/live-publisher';
import { logSettings, openLive, type Live } from './live/open-live';
import { openPostsClient } from './live/open-posts-client';
import { openNotifications, openNotificationWork } from './notifications/open-notifications';
import { openPresence } from './presence/open-presence';
import type { PresenceKeeper } from './presence/presence-keeper';
import { openPush, openPushWork } from './push/open-push';
import { Connections } from './sockets/connections';
import { MessageRouter, type MessageHandlers } from './sockets/message-router';
import { Outflow } from './sockets/outflow';
import { SocketHub } from './sockets/socket-hub';
import { socketsRoutes } from './sockets/sockets.routes';
import { Tickets } from './sockets/tickets';
import { tokenRefresh } from './sockets/token-refresh';
import { UpgradeGate } from './sockets/upgrade-gate';
import { UpgradeHandler } from './sockets/upgrade-handler';
import { VisitorLimits } from './sockets/visitor-limits';
import { maxPayloadBytes } from './sockets/web-socket-server';

/** A socket shows its token once, so there is little to be won by remembering those of all that are open. */
const rememberedTokens = 1_000;

export function createRealtimeService(config: RealtimeConfig, overrides: KitOverrides = {}): Service {
  const kit = createKit({ service: 'realtime', role: 'main' }, config, overrides);
  const { postgres, redis, shared } = openStores(kit, config, { redis: 'critical' });
  const verification = openTokens(kit, { ...config, rememberedTokens }, redis.redis);
  const { tokens, revocations } = verification;
  const notifications = openNotifications(postgres, config);
  const push = openPush(kit, config, { ...postgres, revocations });
  const connections = new Connections();
  const streams = { redis: redis.redis, publisher: new LivePublisher(redis.redis, logSettings(config)) };
  const presence = openPresence(kit, config, { ...postgres, ...streams, connections });
  const events = new SocketEvents(kit);
  const tickets = new Tickets({
    redis: redis.redis,
    revocations,
    ttlSeconds: config.websocketTicketSeconds,
  });
  const places = visitorLimits(config);
  const liveSources = { missed: notifications.newerThan, presence: presence.sources };
  const live = openLive(kit, { config, ...streams, ...liveSources });
  const hub = assembleSockets(kit, {
    config,
    live,
    connections,
    presence: presence.keeper,
    events,
    revocations,
    places,
    handlers: { ...live.handlers, ...presence.handlers, 'token.refresh': tokenRefresh({ tokens, tickets }) },
  });
  const upgrades = upgradeHandler(kit, config, { tokens, tickets, hub, events, places });
  return createService(kit, {
    ...shared,
    dependencies: [...shared.dependencies, live.dependency, verification.dependency],
    tokens,
    limits: openLimits(kit, redis.redis, config),
    routes: (binder) => {
      notifications.routes(binder);
      push.routes(binder);
      presence.routes(binder);
      socketsRoutes(binder, tickets);
    },
    attach: (server) => upgrades.attach(server),
    work: [verification.work, presence.work, socketWork(hub), live.work],
    resources: [verification.resource, postgres.resource, ...live.resources, redis.resource],
  });
}

/** Makes notifications of what other services tell. */
export function createRealtimeWorker(config: RealtimeWorkerConfig, overrides: KitOverrides = {}): Service {
  const kit = createKit({ service: 'realtime', role: 'worker' }, config, overrides);
  const { postgres, redis, shared } = openStores(kit, config, { redis: 'critical' });
  const live = new LivePublisher(redis.redis, logSettings(config));
  const events = openEventBus(kit, config, redis);
  const { database } = postgres;
  const push = openPushWork(kit, config, { database, redis: redis.redis });
  const { posts, resource } = openPostsClient(kit, config, 'replies, quotes and mentions wait to be told of');
  const notifications = openNotificationWork(kit, { database, live, posts, next: push.next });
  const fanOut = openFanOut(kit, config, { redis: redis.redis, publisher: live });
  const subscriptions = merge(notifications.subscriptions, fanOut.subscriptions);
  return createService(kit, {
    ...shared,
    dependencies: [...shared.dependencies, ...events.dependencies],
    work: [
      consumeEvents(kit, { database, events }, subscriptions),
      ...openCopies(kit, { database, posts }),
      ...fanOut.work,
      ...notifications.work,
      ...push.work,
      relayEvents(kit, { database, events }),
      openDigests(kit, config, { database }),
    ],
    resources: [events.resource, resource, ...push.resources, ...shared.resources],
    actions: deadLetterActions(kit, events, ['posts', 'auth']),
  });
}

/** What is stored comes before what is told. */
function merge(first: Subscriptions, then: Subscriptions): Subscriptions {
  const all = ({ posts = [], auth = [] }: Subscriptions) => ({ posts, auth });
  const [one, other] = [all(first), all(then)];
  return { posts: [...one.posts, ...other.posts], auth: [...one.auth, ...other.auth] };
}

interface SocketParts {
  config: RealtimeConfig;
  live: Live;
  connections: Connections;
  presence: PresenceKeeper;
  events: SocketEvents;
  revocations: RevocationList;
  places: VisitorLimits;
  handlers: MessageHandlers;
}

function assembleSockets(kit: Kit, parts: SocketParts): SocketHub {
  const { config, live, connections, presence, events, revocations, places, handlers } = parts;
  const { metrics, tracing } = kit;
  const router = new MessageRouter(tracing, events, handlers);
  const hub = new SocketHub({
    connections,
    places,
    channels: live.sockets,
    revocations,
    presence,
    settings: {
      events,
      rate: { perSecond: config.websocketMessagesPerSecond, burst: config.websocketMessageBurst },
      outflow: new Outflow({ onSent: (type, count) => events.messagesSent(type, count) }),
      maxQueueBytes: config.websocketMaxQueueBytes,
      maxQueueAgeMs: config.websocketMaxQueueAgeMs,
      heartbeatSeconds: config.websocketHeartbeatSeconds,
      onMessage: (connection, data, isBinary) => router.receive(connection, data, isBinary),
    },
    limits: {
      messagesPerSecond: config.websocketMessagesPerSecond,
      messageBurst: config.websocketMessageBurst,
      maxMessageBytes: maxPayloadBytes,
      maxSubscriptions: config.websocketMaxSubscriptions,
    },
    drain: drainOptions(config),
  });
  metrics.gauge('websocket_connections', 'Open WebSockets', {
    collect: (gauge) => gauge.set(connections.size),
  });
  metrics.gauge('websocket_queued_bytes', 'Bytes that wait for clients to read them', {
    collect: (gauge) => gauge.set(connections.queuedBytes),
  });
  return hub;
}

/** Ends well within the limit of the shutdown phase: what is over it makes the process exit with an error. */
function drainOptions(config: RealtimeConfig) {
  const limitMs = config.shutdownDrainMs * 0.8;
  return {
    limitMs,
    paceMs: Math.min(config.websocketDrainMs, limitMs / 2),
    reconnectsPerSecond: config.websocketReconnectsPerSecond,
  };
}

interface EntranceParts {
  tokens: TokenVerifier;
  tickets: Tickets;
  hub: SocketHub;
  events: SocketEvents;
  places: VisitorLimits;
}

function upgradeHandler(kit: Kit, config: SocketConfig, parts: EntranceParts): UpgradeHandler {
  const { tokens, tickets, hub, events, places: limits } = parts;
  const gate = new UpgradeGate({ tokens, tickets, allowedOrigins: config.websocketAllowedOrigins });
  return new UpgradeHandler(kit, { gate, hub, events, limits, compression: config.websocketCompression });
}

function visitorLimits(config: SocketConfig): VisitorLimits {
  const perSecond = config.websocketHandshakesPerSecond;
  return new VisitorLimits({
    total: config.websocketMaxConnections,
    perUser: config.websocketMaxConnectionsPerUser,
    perAddress: config.websocketMaxConnectionsPerAddress,
    handshakes: { perSecond, burst: 10 * perSecond },
  });
}

function socketWork(hub: SocketHub): BackgroundWork {
  return { name: 'sockets', start: () => hub.start(), stop: () => hub.stop() };
}
