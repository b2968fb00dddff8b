import { ConfigError, databaseSettings, describeConfig, readConfig, type Environment } from './index';

const url = 'postgres://posts:hunter2@db/rostrum';
const read = (environment: Environment) =>
  readConfig(databaseSettings, { DATABASE_URL: url, ...environment });

function problemsOf(environment: Environment): readonly string[] {
  try {
    read(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----';

it('is the production profile without any pooler, replica or protection', () => {
  expect(read({})).toMatchObject({
    databaseTls: {},
    databaseWays: { pooler: 'none' },
    databaseReplicaUrls: [],
    databaseMaxConnections: 100,
    databaseMinIdle: 10,
    databaseConnMaxLifetime: 1800,
    databaseConnMaxIdle: 300,
    databaseAcquireTimeoutMs: 2_000,
    databaseQueryTimeoutMs: 10_000,
    databaseLeakAfterSeconds: 300,
  });
});

it('takes what is said of TLS, the pooler and replicas', () => {
  const config = read({
    DATABASE_TLS_MODE: 'verify-full',
    DATABASE_TLS_CA: pem,
    DATABASE_POOLER: 'transaction',
    DATABASE_DIRECT_URL: 'postgres://posts@direct/rostrum',
    DATABASE_POOLER_CLIENTS: '500',
    DATABASE_EXPECTED_REPLICAS: '5',
    DATABASE_REPLICA_URLS: 'postgres://a/rostrum, postgres://b/rostrum',
  });
  expect(config.databaseTls).toEqual({ mode: 'verify-full', ca: pem });
  expect(config.databaseWays).toEqual({
    pooler: 'transaction',
    directUrl: 'postgres://posts@direct/rostrum',
    poolerClients: 500,
  });
  expect(config.databaseReplicaUrls).toEqual(['postgres://a/rostrum', 'postgres://b/rostrum']);
});

it.each<[string, Environment, string]>([
  [
    'an authority for nothing',
    { DATABASE_TLS_MODE: 'disable', DATABASE_TLS_CA: pem },
    'DATABASE_TLS_MODE is disable',
  ],
  ['any authority', { DATABASE_TLS_MODE: 'verify-ca' }, 'needs DATABASE_TLS_CA'],
  ['protection by chance', { DATABASE_TLS_MODE: 'prefer' }, 'DATABASE_TLS_MODE is "prefer"'],
  ['clients of no pooler', { DATABASE_POOLER_CLIENTS: '5' }, 'DATABASE_POOLER is none'],
  [
    'more clients than the pooler takes',
    { DATABASE_POOLER: 'transaction', DATABASE_POOLER_CLIENTS: '250', DATABASE_EXPECTED_REPLICAS: '3' },
    '3 × 100 = 300) is more than DATABASE_POOLER_CLIENTS (250)',
  ],
  ['to wait longer than promised', { DATABASE_ACQUIRE_TIMEOUT_MS: '2001' }, 'DATABASE_ACQUIRE_TIMEOUT_MS'],
  ['a replica that is none', { DATABASE_REPLICA_URLS: 'http://a' }, 'DATABASE_REPLICA_URLS'],
])('refuses %s', (_what, environment, message) => {
  expect(problemsOf(environment)).toEqual([expect.stringContaining(message)]);
});

it('shows none of its passwords', () => {
  const config = read({ DATABASE_REPLICA_URLS: 'postgres://a:hunter2@b/c', DATABASE_DIRECT_URL: url });
  expect(describeConfig(databaseSettings, config).join('\n')).not.toContain('hunter2');
});
