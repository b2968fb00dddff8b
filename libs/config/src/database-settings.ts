import { z } from 'zod';
import { integer, list, postgresUrl } from './formats';
import { derived, setting, type Config } from './setting';

const tlsGiven = {
  databaseTlsMode: setting(z.enum(['disable', 'require', 'verify-ca', 'verify-full']).optional(), {
    env: 'DATABASE_TLS_MODE',
    doc: "as libpq's sslmode: disable, require, verify-ca, verify-full; without it that of each URL holds, else disable",
  }),
  databaseTlsCa: setting(
    z.string().startsWith('-----BEGIN ', 'must be a PEM; its file can be named with _FILE').optional(),
    {
      env: 'DATABASE_TLS_CA',
      doc: "the PEM of the authority that has signed PostgreSQL's certificate, where the runtime does not know it",
    },
  ),
};

const given = {
  ...tlsGiven,
  databaseUrl: setting(postgresUrl(), {
    env: 'DATABASE_URL',
    doc: 'PostgreSQL, as the role that reads and writes rows',
    secret: true,
  }),
  databasePooler: setting(z.enum(['none', 'transaction']).default('none'), {
    env: 'DATABASE_POOLER',
    doc: 'transaction: the URLs lead to PgBouncer in transaction mode, or its like',
  }),
  databaseDirectUrl: setting(postgresUrl().optional(), {
    env: 'DATABASE_DIRECT_URL',
    doc: 'past the pooler: for notifications, which poolers do not hand on; without it they are replaced by polling',
    secret: true,
  }),
  databasePoolerClients: setting(integer(1, 1_000_000).optional(), {
    env: 'DATABASE_POOLER_CLIENTS',
    doc: "clients that the pooler takes (PgBouncer's max_client_conn), to check our own number against at the start",
  }),
  databaseReplicaUrls: setting(list(postgresUrl()).default([]), {
    env: 'DATABASE_REPLICA_URLS',
    doc: 'streaming replicas that may be read from, as the same role',
    secret: true,
  }),
  databaseMaxConnections: setting(integer(1, 10_000).default(100), {
    env: 'DATABASE_MAX_CONNECTIONS',
    doc: 'connections this process may hold, to the primary and to each replica',
  }),
  databaseExpectedReplicas: setting(integer(1, 10_000).default(1), {
    env: 'DATABASE_EXPECTED_REPLICAS',
    doc: 'processes like this one at most at a time, both versions of a rollout counted; the start is refused if the server cannot hold them',
  }),
};

/** What kind of protection connections have, also where there are no other settings of this group. */
export const databaseTlsSettings = { ...tlsGiven, databaseTls: derived(tlsGiven, databaseTls) };

/** Where PostgreSQL is, and how it is spoken to. Figures are the milestone's production profile. */
export const databaseSettings = {
  ...given,
  databaseTls: databaseTlsSettings.databaseTls,
  databaseWays: derived(given, databaseWays),
  databaseReservedConnections: setting(integer(0, 10_000).default(10), {
    env: 'DATABASE_RESERVED_CONNECTIONS',
    doc: 'connections of the server that are left to others: other services, migrations, people',
  }),
  databaseMinIdle: setting(integer(0, 10_000).default(10), {
    env: 'DATABASE_MIN_IDLE',
    doc: 'connections that are opened at the start and kept open',
  }),
  databaseConnMaxLifetime: setting(integer(1, 86_400).default(1800), {
    env: 'DATABASE_CONN_MAX_LIFETIME',
    doc: 'seconds after which a connection is replaced',
  }),
  databaseConnMaxIdle: setting(integer(1, 86_400).default(300), {
    env: 'DATABASE_CONN_MAX_IDLE',
    doc: 'seconds after which an idle connection is closed',
  }),
  databaseAcquireTimeoutMs: setting(integer(1, 2_000).default(2_000), {
    env: 'DATABASE_ACQUIRE_TIMEOUT_MS',
    doc: 'the longest that a query waits for a connection before it is answered with a 503',
  }),
  databaseQueryTimeoutMs: setting(integer(1, 600_000).default(10_000), {
    env: 'DATABASE_QUERY_TIMEOUT_MS',
    doc: 'the longest a query may take',
  }),
  databaseSlowQueryMs: setting(integer(1, 600_000).default(1_000), {
    env: 'DATABASE_SLOW_QUERY_MS',
    doc: 'queries that take as long are logged',
  }),
  databaseLeakAfterSeconds: setting(integer(1, 86_400).default(300), {
    env: 'DATABASE_LEAK_AFTER_SECONDS',
    doc: 'a connection that was taken and not given back for so long is reported, with the place that took it',
  }),
  databaseReplicaMaxLagMs: setting(integer(1, 600_000).default(5_000), {
    env: 'DATABASE_REPLICA_MAX_LAG_MS',
    doc: 'a replica that lags more is not read from',
  }),
  databaseReadOwnWritesMs: setting(integer(1, 3_600_000).default(15_000), {
    env: 'DATABASE_READ_OWN_WRITES_MS',
    doc: 'how long after a write whoever made it reads from where it is sure to be; more than a replica may lag',
  }),
};

export interface DatabaseTlsConfig {
  mode?: 'disable' | 'require' | 'verify-ca' | 'verify-full';
  ca?: string;
}

function databaseTls({
  databaseTlsMode: mode,
  databaseTlsCa: ca,
}: Config<typeof tlsGiven>): DatabaseTlsConfig {
  if (mode === 'disable' && ca !== undefined) {
    throw new Error('DATABASE_TLS_CA is set, but DATABASE_TLS_MODE is disable');
  }
  if (mode === 'verify-ca' && ca === undefined) {
    throw new Error(
      'DATABASE_TLS_MODE=verify-ca needs DATABASE_TLS_CA: anybody may have a certificate of a public one',
    );
  }
  return { ...(mode !== undefined && { mode }), ...(ca !== undefined && { ca }) };
}

export interface DatabaseWays {
  pooler: 'none' | 'transaction';
  directUrl?: string;
  poolerClients?: number;
}

function databaseWays(config: Config<typeof given>): DatabaseWays {
  const {
    databasePooler: pooler,
    databaseDirectUrl: directUrl,
    databasePoolerClients: poolerClients,
  } = config;
  if (pooler === 'none' && poolerClients !== undefined) {
    throw new Error('DATABASE_POOLER_CLIENTS is set, but DATABASE_POOLER is none');
  }
  const wanted = config.databaseExpectedReplicas * config.databaseMaxConnections;
  if (poolerClients !== undefined && wanted > poolerClients) {
    throw new Error(
      `DATABASE_EXPECTED_REPLICAS × DATABASE_MAX_CONNECTIONS (${config.databaseExpectedReplicas} × ${config.databaseMaxConnections} = ${wanted}) is more than DATABASE_POOLER_CLIENTS (${poolerClients})`,
    );
  }
  return {
    pooler,
    ...(directUrl !== undefined && { directUrl }),
    ...(poolerClients !== undefined && { poolerClients }),
  };
}
