import type { ConnectionOptions } from 'node:tls';
import { Cluster, Redis as IoRedis, type ClusterOptions, type RedisOptions as IoRedisOptions } from 'ioredis';

export interface RedisAddress {
  host: string;
  port: number;
}

/** A single Redis, the one that sentinels name at the time, or a cluster. */
export type RedisServers =
  | { url: string }
  | { sentinels: readonly RedisAddress[]; masterName: string; sentinelPassword?: string }
  | { clusterNodes: readonly RedisAddress[] };

export interface RedisCredentials {
  username?: string;
  /** Where the URL has none. */
  password?: string;
  /** Asks for TLS, if only by `{}`; a URL does so by `rediss:`. */
  tls?: Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'servername'>;
}

/** Replies look the same whatever protocol a server speaks. */
export type ConnectionSettings = Omit<IoRedisOptions, 'replyMapping'>;

export type RedisConnection = RedisServers & RedisCredentials;

const firstRetryMs = 50;
const lastRetryMs = 1_000;
const sentinelTimeoutMs = 1_000;
/** A node that a failover has put in another's place is found at the latest then, also by who sends nothing. */
const slotsRefreshMs = 5_000;

/** What goes for each connection, whatever it is to. */
export function connectionOptions({ username, password, tls }: RedisCredentials): ConnectionSettings {
  return {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls !== undefined && { tls }),
    connectTimeout: 2_000,
    disconnectTimeout: 200,
    retryStrategy: retryDelay,
    maxRetriesPerRequest: 1,
    // Resending after a reconnect would repeat commands whose callers have been told that they failed.
    autoResendUnfulfilledCommands: false,
    keepAlive: 10_000,
    disableClientInfo: true,
  };
}

/** To a single Redis, or to the one that sentinels name. */
export function singleOptions(
  servers: Exclude<RedisConnection, { clusterNodes: unknown }>,
): ConnectionSettings {
  if ('url' in servers) return {};
  const { sentinels, masterName, sentinelPassword, tls } = servers;
  return {
    sentinels: [...sentinels],
    name: masterName,
    ...(sentinelPassword !== undefined && { sentinelPassword }),
    ...(tls !== undefined && { enableTLSForSentinelMode: true, sentinelTLS: tls }),
    sentinelCommandTimeout: sentinelTimeoutMs,
    sentinelRetryStrategy: retryDelay,
    sentinelReconnectStrategy: retryDelay,
    // The sentinels tell of a failover at once. Else a client that asks little would hang on to a master that is gone.
    failoverDetector: true,
    // A master that has become a replica refuses writes; the sentinels know the new one.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  };
}

export function openSingle(
  servers: Exclude<RedisConnection, { clusterNodes: unknown }>,
  options: ConnectionSettings,
): IoRedis {
  const all = { ...connectionOptions(servers), ...singleOptions(servers), ...options };
  return 'url' in servers ? new IoRedis(servers.url, all) : keepTrying(new IoRedis(all));
}

/**
 * What the sentinels tell of a failover also reaches the remains of a lost connection, which then stop the client that
 * is about to connect: it ends for good, and nobody has asked it to.
 */
function keepTrying(redis: IoRedis): IoRedis {
  let connecting = false;
  for (const status of ['connecting', 'connect', 'close'] as const) {
    redis.on(status, () => (connecting = status === 'connecting'));
  }
  redis.on('end', () => {
    // The client's own note of that it was told to end, which its types keep to themselves.
    const wanted = (redis as unknown as { manuallyClosing: boolean }).manuallyClosing;
    if (connecting && !wanted) setTimeout(() => void redis.connect().catch(() => undefined), retryDelay(1));
  });
  return redis;
}

export function openCluster(
  { clusterNodes, ...credentials }: Extract<RedisConnection, { clusterNodes: unknown }>,
  options: ConnectionSettings,
): Cluster {
  const { retryStrategy: _own, ...ofEachNode } = { ...connectionOptions(credentials), ...options };
  const cluster = new Cluster([...clusterNodes], {
    ...clusterOptions(credentials),
    enableAutoPipelining: options.enableAutoPipelining ?? false,
    autoPipeliningIgnoredCommands: options.autoPipeliningIgnoredCommands ?? [],
    redisOptions: { ...ofEachNode, enableAutoPipelining: false },
  });
  cluster.on('-node', () => cluster.refreshSlotsCache());
  return cluster;
}

function clusterOptions({ tls }: RedisCredentials): ClusterOptions {
  return {
    clusterRetryStrategy: retryDelay,
    slotsRefreshTimeout: sentinelTimeoutMs,
    slotsRefreshInterval: slotsRefreshMs,
    // A command whose connection was lost may have been done. It fails, as with a single Redis; it is not sent again.
    retryDelayOnFailover: 0,
    maxRedirections: 5,
    // Certificates are made out to names.
    ...(tls !== undefined && { dnsLookup: (address, callback) => callback(null, address) }),
  };
}

export function retryDelay(attempt: number): number {
  const longest = Math.min(firstRetryMs * 2 ** (attempt - 1), lastRetryMs);
  return longest * (0.5 + Math.random() / 2);
}
