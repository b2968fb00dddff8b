import { readConfig, redisSettings } from '@rostrum/config';
import { recordingLogger, startRedisCluster, startRedisServer, waitFor } from '@rostrum/testing';
import { createKit, openCache, openRedis, type Kit, type OpenRedis } from '../src/index';
import { kitSpec, testEnvironment } from './test-service';

const spec = { ...kitSpec, ...redisSettings };
const cleanUp: (() => Promise<unknown> | void)[] = [];

afterEach(async () => {
  for (const action of cleanUp.splice(0).reverse()) await action();
});

function open(environment: Record<string, string>): { kit: Kit; opened: OpenRedis } {
  const config = readConfig(spec, { ...testEnvironment, ...environment });
  const log = recordingLogger();
  cleanUp.push(() => log.close());
  const kit = createKit({ service: 'posts', role: 'main' }, config, { logger: log.lent });
  const opened = openRedis(kit, config, 'degradable');
  cleanUp.push(() => opened.resource.close());
  return { kit, opened };
}

async function valueOf({ metrics }: Kit, series: string): Promise<number> {
  const { body } = await metrics.render();
  const name = series.replace(/\{.*/, '');
  const labels = [...series.matchAll(/\w+="[^"]*"/g)].map(([label]) => label);
  const line = String(body)
    .split('\n')
    .find((each) => each.startsWith(name) && labels.every((label) => each.includes(label)));
  return line ? Number(line.split(' ').at(-1)) : Number.NaN;
}

it('counts the reads of each cache by what became of them, and what had to make room', async () => {
  const server = await startRedisServer();
  cleanUp.push(() => server.stop());
  const { kit, opened } = open({ REDIS_URL: server.url });
  const local = { maxAgeMs: 60_000, maxBytes: 1_000 };
  const posts = openCache(kit, opened.redis, { name: 'post', policy: 'post' });
  const profiles = openCache(kit, opened.redis, { name: 'profile', policy: 'profile', local });
  for (const name of ['post', 'profile']) {
    for (const result of ['hit', 'local', 'stale', 'miss', 'error']) {
      expect(await valueOf(kit, `cache_requests_total{cache="${name}",result="${result}"}`)).toBe(0);
    }
  }
  for (const layer of ['redis', 'local']) {
    expect(await valueOf(kit, `cache_evictions_total{layer="${layer}"}`)).toBe(0);
  }

  const load = () => Promise.resolve('x'.repeat(300));
  await posts.getOrLoadBytes('1', load);
  await waitFor(() => posts.getBytes('1'));
  await posts.getOrLoadBytes('1', load);
  expect(await valueOf(kit, 'cache_requests_total{cache="post",result="miss"}')).toBe(1);
  expect(await valueOf(kit, 'cache_requests_total{cache="post",result="hit"}')).toBe(1);
  for (const key of ['1', '1', '2', '3', '4']) await profiles.getOrLoadBytes(key, load);
  expect(await valueOf(kit, 'cache_requests_total{cache="profile",result="local"}')).toBe(1);
  expect(await valueOf(kit, 'cache_evictions_total{layer="local"}')).toBe(3);

  const used = Number(/used_memory:(\d+)/.exec(await opened.redis.info('memory'))?.[1]);
  await opened.redis.config('SET', 'maxmemory', used + 1_000_000);
  await opened.redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
  for (let i = 0; i < 40; i += 1) await opened.redis.set(`key ${i}`, 'x'.repeat(100_000));
  expect(await valueOf(kit, 'cache_evictions_total{layer="redis"}')).toBeGreaterThan(0);

  await server.kill();
  await waitFor(async () => {
    await posts.getOrLoadBytes('1', load);
    return (await valueOf(kit, 'cache_requests_total{cache="post",result="error"}')) > 0;
  });
  expect(await valueOf(kit, 'cache_evictions_total{layer="redis"}')).toBeGreaterThan(0);
});

it('works over a cluster that the configuration names', async () => {
  const cluster = await startRedisCluster();
  cleanUp.push(() => cluster.stop());
  const nodes = cluster.members.map(({ host, port }) => `${host}:${port}`).join(',');
  const { kit, opened } = open({ REDIS_CLUSTER_NODES: nodes });
  const posts = openCache(kit, opened.redis, { name: 'post', policy: 'post' });
  for (const key of ['1', '2', '3', '4']) {
    await posts.getOrLoadBytes(key, () => Promise.resolve(key));
    await waitFor(() => posts.getBytes(key));
    expect(String(await posts.getOrLoadBytes(key, () => Promise.reject(new Error('was cached'))))).toBe(key);
  }
  await opened.dependency.check(AbortSignal.timeout(2_000));
});
