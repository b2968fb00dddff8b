import { ConfigError, describeConfig, readConfig, redisSettings, type Environment } from './index';

function problemsOf(environment: Environment): readonly string[] {
  try {
    readConfig(redisSettings, environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----';

describe('where Redis is', () => {
  it.each<[string, Environment, object]>([
    ['a URL', { REDIS_URL: 'redis://cache:6379/2' }, { url: 'redis://cache:6379/2' }],
    [
      'a URL, its password apart',
      { REDIS_URL: 'redis://cache', REDIS_USERNAME: 'posts', REDIS_PASSWORD: 'p' },
      { url: 'redis://cache', username: 'posts', password: 'p' },
    ],
    [
      'a URL with TLS',
      { REDIS_URL: 'rediss://cache', REDIS_TLS_CA: pem },
      { url: 'rediss://cache', tls: { ca: pem } },
    ],
    [
      'sentinels',
      {
        REDIS_SENTINELS: 'one:26379, [2001:db8::2]:26380',
        REDIS_MASTER_NAME: 'main',
        REDIS_SENTINEL_PASSWORD: 's',
      },
      {
        sentinels: [
          { host: 'one', port: 26379 },
          { host: '2001:db8::2', port: 26380 },
        ],
        masterName: 'main',
        sentinelPassword: 's',
      },
    ],
    [
      'a cluster with TLS',
      {
        REDIS_CLUSTER_NODES: 'a:7000,b:7001',
        REDIS_PASSWORD: 'p',
        REDIS_TLS: 'true',
        REDIS_TLS_SERVERNAME: 'redis',
      },
      {
        clusterNodes: [
          { host: 'a', port: 7000 },
          { host: 'b', port: 7001 },
        ],
        password: 'p',
        tls: { servername: 'redis' },
      },
    ],
  ])('is given by %s', (_what, environment, expected) => {
    expect(readConfig(redisSettings, environment).redis).toEqual(expected);
  });

  it.each<[string, Environment, string]>([
    ['nothing', {}, 'exactly one of them'],
    ['two', { REDIS_URL: 'redis://a', REDIS_CLUSTER_NODES: 'a:1' }, 'exactly one of them'],
    ['sentinels without a name', { REDIS_SENTINELS: 'a:1' }, 'either goes with the other'],
    [
      'a name without sentinels',
      { REDIS_URL: 'redis://a', REDIS_MASTER_NAME: 'm' },
      'either goes with the other',
    ],
    ['two passwords', { REDIS_URL: 'redis://:p@a', REDIS_PASSWORD: 'q' }, 'keep one'],
    ['a certificate without TLS', { REDIS_URL: 'redis://a', REDIS_TLS_CA: pem }, 'nothing asks for TLS'],
    ['TLS against the URL', { REDIS_URL: 'redis://a', REDIS_TLS: 'true' }, 'instead of rediss://'],
    ['half a pair', { REDIS_URL: 'rediss://a', REDIS_TLS_CERT: pem }, 'either goes with the other'],
  ])('is not given by %s', (_what, environment, problem) => {
    const problems = problemsOf(environment);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(problem);
  });

  it.each(['a', 'a:0', 'a:65536', 'a:b', '::1:6379', 'redis://a:1', 'user@a:1', ':1'])(
    'is not at %s, and nothing more is said than that',
    (address) => {
      const problems = problemsOf({ REDIS_CLUSTER_NODES: address });
      expect(problems).toHaveLength(1);
      expect(problems[0]).toContain('must be host:port');
    },
  );

  it('is printed without its secrets', () => {
    const environment = {
      REDIS_CLUSTER_NODES: 'a:7000,b:7001',
      REDIS_PASSWORD: 'hunter2',
      REDIS_TLS: 'true',
      REDIS_TLS_CERT: pem,
      REDIS_TLS_KEY: pem.replace('MIIB', 'hunter2'),
    };
    const lines = describeConfig(redisSettings, readConfig(redisSettings, environment)).join('\n');
    expect(lines).toContain('REDIS_CLUSTER_NODES=a:7000,b:7001');
    expect(lines).toContain('REDIS_PASSWORD=(secret)');
    expect(lines).not.toContain('hunter2');
    expect(lines).not.toContain('undefined=');
  });
});
