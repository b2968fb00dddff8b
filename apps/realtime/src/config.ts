import {
  boolean,
  eventSettings,
  httpUrl,
  integer,
  list,
  migrationSettings,
  portSettings,
  rateLimitSettings,
  secretText,
  setting,
  tokenVerifierSettings,
  webOrigin,
  type Config,
} from '@rostrum/config';
import { processSettings } from '@rostrum/service-kit';
import { pushSettings, pushWorkSettings } from './push/push-settings';

export const socketSettings = {
  websocketAllowedOrigins: setting(list(webOrigin()).default([]), {
    env: 'WEBSOCKET_ALLOWED_ORIGINS',
    doc: 'the origins whose pages may open a WebSocket; clients that send no Origin are no pages',
  }),
  websocketHeartbeatSeconds: setting(integer(1, 14).default(12), {
    env: 'WEBSOCKET_HEARTBEAT_SECONDS',
    doc: 'how often each socket is pinged; one that stays silent until the next ping is ended',
  }),
  websocketMessagesPerSecond: setting(integer(1, 10_000).default(50), {
    env: 'RATE_LIMIT_WEBSOCKET_MESSAGES',
    doc: 'messages per second that a connection may send',
  }),
  websocketMessageBurst: setting(integer(1, 10_000).default(100), {
    env: 'RATE_LIMIT_WEBSOCKET_BURST',
    doc: 'messages that a connection may send at once after a while of silence',
  }),
  websocketMaxQueueBytes: setting(integer(16_384, 16_777_216).default(262_144), {
    env: 'WEBSOCKET_MAX_QUEUE_BYTES',
    doc: 'bytes that may wait for a reader who is slow; one more and its socket is ended',
  }),
  websocketMaxSubscriptions: setting(integer(1, 10_000).default(200), {
    env: 'WEBSOCKET_MAX_SUBSCRIPTIONS',
    doc: 'channels that a connection may subscribe to',
  }),
  websocketMaxQueueAgeMs: setting(integer(1000, 60_000).default(10_000), {
    env: 'WEBSOCKET_MAX_QUEUE_AGE_MS',
    doc: 'how long something may wait for a reader who is slow before its socket is ended',
  }),
  websocketMaxConnections: setting(integer(1, 1_000_000).default(20_000), {
    env: 'WEBSOCKET_MAX_CONNECTIONS',
    doc: 'sockets that a process holds; the limit of open files must be above it',
  }),
  websocketMaxConnectionsPerUser: setting(integer(1, 1_000_000).default(20), {
    env: 'WEBSOCKET_MAX_CONNECTIONS_PER_USER',
    doc: 'sockets that a person may have in a process',
  }),
  websocketMaxConnectionsPerAddress: setting(integer(1, 1_000_000).default(500), {
    env: 'WEBSOCKET_MAX_CONNECTIONS_PER_ADDRESS',
    doc: 'sockets that an address (of IPv6 its /64) may have in a process; many people may be behind one',
  }),
  websocketHandshakesPerSecond: setting(integer(1, 1_000_000).default(20), {
    env: 'RATE_LIMIT_WEBSOCKET_HANDSHAKES',
    doc: 'WebSockets that an address may ask a process for each second, after a burst of ten times as many',
  }),
  websocketTicketSeconds: setting(integer(1, 300).default(30), {
    env: 'WEBSOCKET_TICKET_SECONDS',
    doc: 'how long a ticket for a WebSocket is good',
  }),
  websocketCompression: setting(boolean().default(false), {
    env: 'WEBSOCKET_COMPRESSION',
    doc: 'permessage-deflate for clients that offer it: fewer bytes for much more memory and CPU',
  }),
  websocketReconnectsPerSecond: setting(integer(1, 1_000_000).default(500), {
    env: 'WEBSOCKET_RECONNECTS_PER_SECOND',
    doc: 'handshakes per second that the other processes take beside their work; clients are told to come back no faster',
  }),
  websocketDrainMs: setting(integer(0, 60_000).default(5000), {
    env: 'WEBSOCKET_DRAIN_MS',
    doc: 'over how long the closing of many sockets is spread at shutdown',
  }),
};

export const liveSettings = {
  liveLogEvents: setting(integer(1, 100_000).default(500), {
    env: 'LIVE_LOG_EVENTS',
    doc: 'events that each channel keeps for clients that come back',
  }),
  liveLogSeconds: setting(integer(60, 86_400).default(600), {
    env: 'LIVE_LOG_SECONDS',
    doc: 'how long a channel keeps them',
  }),
  livePositionSeconds: setting(integer(60, 2_592_000).default(86_400), {
    env: 'LIVE_POSITION_SECONDS',
    doc: 'how long it is known how far a person’s own channel has come when none of their devices is connected',
  }),
};

export const postsSettings = {
  postsUrl: setting(httpUrl().default('http://127.0.0.1:8081'), {
    env: 'POSTS_URL',
    doc: 'where posts says who may see what',
  }),
};

export const mainSettings = {
  ...processSettings,
  ...portSettings(8082, 9082),
  ...tokenVerifierSettings,
  ...rateLimitSettings,
  ...socketSettings,
  ...liveSettings,
  ...pushSettings,
  ...postsSettings,
  cursorSecret: setting(secretText(), {
    env: 'CURSOR_SECRET',
    doc: 'signs the cursors of lists; a new one ends the cursors that clients hold',
    secret: true,
  }),
};

export const workerSettings = {
  ...processSettings,
  ...eventSettings,
  ...portSettings(8082, 9182),
  ...liveSettings,
  ...pushWorkSettings,
  ...postsSettings,
  digestPollMs: setting(integer(10, 3_600_000).default(300_000), {
    env: 'DIGEST_POLL_MS',
    doc: 'how often the worker looks for whose hour of the daily mail has come',
  }),
};

export const migrateSettings = migrationSettings;

export type LiveConfig = Config<typeof liveSettings>;
export type SocketConfig = Config<typeof socketSettings>;
export type RealtimeConfig = Config<typeof mainSettings>;
export type RealtimeWorkerConfig = Config<typeof workerSettings>;

/** The only reader of the process's environment. */
export const environment = process.env;
