import { z } from 'zod';
import {
  boolean,
  integer,
  list,
  networkAddress,
  redisUrl,
  splitAddress,
  type NetworkAddress,
} from './formats';
import { derived, setting, type Config } from './setting';

const given = {
  redisUrl: setting(redisUrl().optional(), {
    env: 'REDIS_URL',
    doc: 'a single Redis; rediss:// for TLS',
    secret: true,
  }),
  redisSentinels: setting(list(networkAddress()).optional(), {
    env: 'REDIS_SENTINELS',
    doc: 'instead of REDIS_URL: the sentinels that know where Redis is, as host:port,host:port',
  }),
  redisMasterName: setting(z.string().optional(), {
    env: 'REDIS_MASTER_NAME',
    doc: 'what the sentinels call it',
  }),
  redisClusterNodes: setting(list(networkAddress()).optional(), {
    env: 'REDIS_CLUSTER_NODES',
    doc: 'instead of REDIS_URL: nodes of a cluster, as host:port,host:port; the others are learnt from them',
  }),
  redisUsername: setting(z.string().optional(), { env: 'REDIS_USERNAME', doc: 'the ACL user' }),
  redisPassword: setting(z.string().optional(), {
    env: 'REDIS_PASSWORD',
    doc: 'the password, where the URL has none',
    secret: true,
  }),
  redisSentinelPassword: setting(z.string().optional(), {
    env: 'REDIS_SENTINEL_PASSWORD',
    doc: 'the password of the sentinels themselves, if they have one',
    secret: true,
  }),
  redisTls: setting(boolean().default(false), {
    env: 'REDIS_TLS',
    doc: 'TLS to the nodes of a cluster, and to those that sentinels name; a URL says so by rediss://',
  }),
  redisTlsCa: setting(pem().optional(), {
    env: 'REDIS_TLS_CA',
    doc: "the PEM of the authority that has signed Redis's certificate, where the system does not know it",
  }),
  redisTlsCert: setting(pem().optional(), {
    env: 'REDIS_TLS_CERT',
    doc: 'the PEM of the certificate that we show to Redis',
  }),
  redisTlsKey: setting(pem().optional(), { env: 'REDIS_TLS_KEY', doc: 'the PEM of its key', secret: true }),
  redisTlsServername: setting(z.string().optional(), {
    env: 'REDIS_TLS_SERVERNAME',
    doc: "the name in Redis's certificate, where it is not the host that we connect to",
  }),
};

/** Where Redis is, and how it is entered. */
export const redisSettings = {
  ...given,
  redisCommandTimeoutMs: setting(integer(10, 60_000).default(250), {
    env: 'REDIS_COMMAND_TIMEOUT_MS',
    doc: 'after this a command has failed, whether or not Redis still answers',
  }),
  redis: derived(given, redisConnection),
};

export interface RedisTlsConfig {
  ca?: string;
  cert?: string;
  key?: string;
  servername?: string;
}

interface RedisCredentials {
  username?: string;
  password?: string;
  tls?: RedisTlsConfig;
}

export type RedisConnectionConfig = RedisCredentials &
  (
    | { url: string }
    | { sentinels: readonly NetworkAddress[]; masterName: string; sentinelPassword?: string }
    | { clusterNodes: readonly NetworkAddress[] }
  );

type Given = Config<typeof given>;

function redisConnection(config: Given): RedisConnectionConfig {
  const { redisUrl: url } = config;
  const sentinels = addressesOf(config.redisSentinels);
  const clusterNodes = addressesOf(config.redisClusterNodes);
  if ([url, sentinels.length, clusterNodes.length].filter(Boolean).length !== 1) {
    throw new Error('REDIS_URL, REDIS_SENTINELS, REDIS_CLUSTER_NODES: exactly one of them must be set');
  }
  if ((config.redisMasterName !== undefined) !== sentinels.length > 0) {
    throw new Error('REDIS_SENTINELS and REDIS_MASTER_NAME: either goes with the other');
  }
  const credentials = credentialsOf(config);
  if (url !== undefined) return { url, ...credentials };
  if (clusterNodes.length > 0) return { clusterNodes, ...credentials };
  const { redisMasterName: masterName = '', redisSentinelPassword: sentinelPassword } = config;
  return {
    sentinels,
    masterName,
    ...(sentinelPassword !== undefined && { sentinelPassword }),
    ...credentials,
  };
}

function addressesOf(texts: readonly string[] = []): NetworkAddress[] {
  return texts.map(splitAddress).filter((address) => address !== undefined);
}

function credentialsOf(config: Given): RedisCredentials {
  const { redisUrl: url, redisUsername: username, redisPassword: password } = config;
  if (url !== undefined && new URL(url).password !== '' && password !== undefined) {
    throw new Error('REDIS_URL has a password and REDIS_PASSWORD is set: keep one');
  }
  const tls = tlsOf(config);
  return {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && { tls }),
  };
}

function tlsOf({ redisUrl: url, ...config }: Given): RedisTlsConfig | undefined {
  const { redisTlsCa: ca, redisTlsCert: cert, redisTlsKey: key, redisTlsServername: servername } = config;
  const parts = {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(servername !== undefined && { servername }),
  };
  const wanted = config.redisTls || url?.startsWith('rediss:') === true;
  if (!wanted && Object.keys(parts).length > 0) {
    throw new Error(
      'REDIS_TLS_* is set, but nothing asks for TLS: rediss:// in REDIS_URL, or REDIS_TLS=true',
    );
  }
  if (config.redisTls && url?.startsWith('redis:')) {
    throw new Error('REDIS_TLS is true, but REDIS_URL begins with redis:// instead of rediss://');
  }
  if ((cert === undefined) !== (key === undefined)) {
    throw new Error('REDIS_TLS_CERT and REDIS_TLS_KEY: either goes with the other');
  }
  return wanted ? parts : undefined;
}

function pem() {
  return z.string().startsWith('-----BEGIN ', 'must be a PEM; its file can be named with _FILE');
}
