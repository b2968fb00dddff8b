import { problems } from '@rostrum/errors';
import { Redis as IoRedis } from 'ioredis';
import { keepContexts } from './command-contexts';

export type Redis = IoRedis;

export interface RedisHooks {
  /** The connection was lost or could not be made; the client goes on trying by itself. */
  onError?: (error: Error) => void;
  /** The connection is there, or is there no longer. */
  onStateChange?: (state: 'ready' | 'lost') => void;
}

export interface RedisOptions {
  url: string;
  /** Shown in the server's list of clients. */
  connectionName?: string;
  /** After this a command fails, whether or not the server is still there. */
  commandTimeoutMs?: number;
  /** Whether what runs now is traced, so that its commands must be sent in its context. By default all are. */
  isTraced?: () => boolean;
  hooks?: RedisHooks;
}

const defaultCommandTimeoutMs = 250;
const firstRetryMs = 50;
const lastRetryMs = 1_000;

/** No command may block longer than this. */
export const blockingLimitMs = 15_000;

/**
 * A client that never makes its callers wait: while there is no connection commands fail at once, while the server is
 * silent they fail after the command timeout, and the connection is made anew at least once a second.
 */
export function createRedis(options: RedisOptions): Redis {
  const { commandTimeoutMs = defaultCommandTimeoutMs, isTraced = () => true, hooks = {} } = options;
  const redis = new IoRedis(options.url, {
    ...connectionOptions(options),
    commandTimeout: commandTimeoutMs,
    // A server that takes our bytes and says nothing is as good as gone: drop the connection and make another.
    socketTimeout: Math.max(4 * commandTimeoutMs, 1_000),
    enableAutoPipelining: true,
    // The cache gathers reads by itself, and a second round of gathering would only make them later.
    autoPipeliningIgnoredCommands: ['mget'],
  });
  keepContexts(redis, isTraced);
  // Commands given before the first connection is there wait for it, within their timeout. From then on none waits.
  redis.once('ready', () => (redis.options.enableOfflineQueue = false));
  attachHooks(redis, hooks);
  return redis;
}

/**
 * A connection of its own for commands that wait (`XREADGROUP … BLOCK`, `SUBSCRIBE`): on the shared one, everything
 * behind them would wait too.
 */
export function duplicateForBlocking(redis: Redis, hooks: RedisHooks = {}): Redis {
  const { connectionName } = redis.options;
  const blocking = redis.duplicate({
    ...(connectionName && { connectionName: `${connectionName}-blocking` }),
    commandTimeout: undefined,
    // A wait longer than this ends in a new connection: nothing else tells a silent server from a long wait.
    socketTimeout: blockingLimitMs,
    enableAutoPipelining: false,
    enableOfflineQueue: true,
    maxRetriesPerRequest: 0,
  });
  attachHooks(blocking, hooks);
  return blocking;
}

/** Resolves when Redis answers; rejects within the command timeout when it does not. */
export async function pingRedis(redis: Redis): Promise<void> {
  try {
    await redis.ping();
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
  try {
    await redis.quit();
  } catch {
    redis.disconnect();
  }
}

export function redisUnavailable(cause: unknown): Error {
  return problems.unavailable('redis', 1, cause);
}

function connectionOptions({ connectionName }: RedisOptions) {
  return {
    ...(connectionName !== undefined && { connectionName }),
    connectTimeout: 2_000,
    retryStrategy: (attempt: number) => retryDelay(attempt),
    maxRetriesPerRequest: 1,
    // Resending after a reconnect would repeat commands whose callers have been told that they failed.
    autoResendUnfulfilledCommands: false,
    keepAlive: 10_000,
    disableClientInfo: true,
  };
}

function retryDelay(attempt: number): number {
  const longest = Math.min(firstRetryMs * 2 ** (attempt - 1), lastRetryMs);
  return longest * (0.5 + Math.random() / 2);
}

function attachHooks(redis: Redis, { onError, onStateChange }: RedisHooks): void {
  redis.on('error', (error: Error) => onError?.(error));
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
