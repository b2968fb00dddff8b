import { problems } from '@rostrum/errors';
import type { Redis as IoRedis } from 'ioredis';
import type { StoreGuard } from '../store-guard';
import { asCluster, asRedis, connectMasters, limitWaiting, pingMasters } from './cluster-client';
import { keepContexts } from './command-contexts';
import { guardCommands, unguarded } from './guarded-commands';
import { duplicateClient, rememberOrigin } from './redis-connections';
import { openCluster, openSingle, type RedisConnection } from './redis-servers';
import { sendingTurn } from './sending-turn';

/** ioredis's client, of a cluster too (`isCluster`): then commands with several keys need these in one slot. */
export type Redis = IoRedis;

export interface RedisHooks {
  /** The connection was lost or could not be made; the client goes on trying by itself. */
  onError?: (error: Error) => void;
  /** The connection is there, or is there no longer. */
  onStateChange?: (state: 'ready' | 'lost') => void;
}

export interface RedisClientOptions {
  /** Shown in the server's list of clients. */
  connectionName?: string;
  /** After this a command fails, whether or not the server is still there. */
  commandTimeoutMs?: number;
  /** Whether what runs now is traced, so that its commands must be sent in its context. By default all are. */
  isTraced?: () => boolean;
  /** A circuit breaker, for all but pings. */
  guard?: StoreGuard;
  hooks?: RedisHooks;
}

export type RedisOptions = RedisConnection & RedisClientOptions;

const defaultCommandTimeoutMs = 250;

/** No command may block longer than this. */
export const blockingLimitMs = 15_000;

/**
 * A client that never makes its callers wait: while there is no connection commands fail at once, while the server is
 * silent they fail after the command timeout, and the connection is made anew at least once a second.
 */
export function createRedis(options: RedisOptions): Redis {
  const { isTraced = () => true, hooks = {}, commandTimeoutMs = defaultCommandTimeoutMs } = options;
  const redis = openClient({ ...options, commandTimeoutMs });
  rememberOrigin(redis, { ...options, commandTimeoutMs });
  keepContexts(redis, isTraced);
  if (options.guard) guardCommands(redis, options.guard);
  // Commands given before the first connection is there wait for it, within their timeout. From then on none waits.
  redis.once('ready', () => void stopWaiting(redis));
  attachHooks(redis, hooks);
  return redis;
}

async function stopWaiting(redis: Redis): Promise<void> {
  const cluster = asCluster(redis);
  if (cluster) await connectMasters(cluster);
  redis.options.enableOfflineQueue = false;
}

function openClient(options: RedisOptions & { commandTimeoutMs: number }): Redis {
  const { connectionName, commandTimeoutMs } = options;
  const clientOptions = {
    ...(connectionName !== undefined && { connectionName }),
    commandTimeout: commandTimeoutMs,
    // A server that takes our bytes and says nothing is as good as gone: drop the connection and make another.
    socketTimeout: Math.max(4 * commandTimeoutMs, 1_000),
    enableAutoPipelining: true,
    // The cache gathers reads by itself, and a second round of gathering would only make them later. A ping has to
    // reach Redis also while the guard turns away all that would travel with it.
    autoPipeliningIgnoredCommands: ['mget', 'ping'],
  };
  if (!('clusterNodes' in options)) return openSingle(options, clientOptions);
  const cluster = openCluster(options, clientOptions);
  limitWaiting(cluster, commandTimeoutMs);
  return asRedis(cluster);
}

/**
 * A connection of its own for commands that wait (`XREADGROUP … BLOCK`): on the shared one, everything behind them
 * would wait too. For channels there is `createSubscriber`.
 */
export function duplicateForBlocking(redis: Redis, hooks: RedisHooks = {}): Redis {
  const blocking = duplicateClient(redis, {
    purpose: 'blocking',
    commandTimeout: undefined,
    // A wait longer than this ends in a new connection: nothing else tells a silent server from a long wait.
    socketTimeout: blockingLimitMs,
    maxRetriesPerRequest: 0,
  });
  attachHooks(blocking, hooks);
  return blocking;
}

/** Resolves when Redis answers, in a cluster every master; rejects within the command timeout when it does not. */
export async function pingRedis(redis: Redis): Promise<void> {
  const cluster = asCluster(redis);
  try {
    await (cluster ? pingMasters(cluster) : unguarded(redis, () => redis.ping()));
  } catch (error) {
    throw redisUnavailable(error);
  }
}

/** Resolves once the client is connected, or after the limit: a service may start before its Redis. */
export async function whenRedisReady(redis: Redis, limitMs = 2_000): Promise<boolean> {
  if (redis.status === 'ready') return true;
  return new Promise((resolve) => {
    const settle = (ready: boolean) => {
      clearTimeout(timer);
      redis.off('ready', onReady);
      resolve(ready);
    };
    const onReady = () => settle(true);
    const timer = setTimeout(settle, limitMs, false);
    redis.once('ready', onReady);
  });
}

/** Says goodbye to the server, or hangs up when it does not answer. */
export async function closeRedis(redis: Redis): Promise<void> {
  if (redis.status === 'end') return;
  sendingTurn(redis).sendLast();
  try {
    await unguarded(redis, () => redis.quit());
  } catch {
    redis.disconnect();
  }
  // Its connections to sentinels, and to nodes that could not be told, end only in this way.
  if (redis.isCluster || redis.options.sentinels) redis.disconnect();
}

export function redisUnavailable(cause: unknown): Error {
  return problems.unavailable('redis', 1, cause);
}

function attachHooks(redis: Redis, { onError, onStateChange }: RedisHooks): void {
  redis.on('error', (error: Error) => onError?.(error));
  redis.on('node error', (error: Error) => onError?.(error));
  let ready = false;
  const note = (nowReady: boolean) => {
    // Each failed attempt to connect ends in a close too, and is no news.
    if (nowReady === ready) return;
    ready = nowReady;
    onStateChange?.(ready ? 'ready' : 'lost');
  };
  redis.on('ready', () => note(true));
  redis.on('close', () => note(false));
}
