import { startRedisServer, waitFor, type OwnServer } from '@rostrum/testing';
import { closeRedis, createCache, createRedis, Glance, Missing, type Cache, type Redis } from '../src';
import { filled, never } from './cache-scene';

let server: OwnServer;
let redis: Redis;
let a: Cache;
let b: Cache;
const found: string[] = [];

beforeAll(async () => {
  server = await startRedisServer();
  redis = createRedis({ url: server.url });
  const hooks = { onRead: (result: string) => found.push(result) };
  const cacheOf = (name: string) => createCache({ redis, service: 'tests', name, policy: 'post', hooks });
  [a, b] = [cacheOf('a'), cacheOf('b')];
});
beforeEach(async () => {
  await redis.config('SET', 'maxmemory', 0);
  await redis.flushall();
  found.length = 0;
});
afterAll(async () => {
  await closeRedis(redis);
  await server.stop();
});

const load = (key: string) => () => Promise.resolve(key);

/** How often this process has called any script. */
async function scripts(): Promise<number> {
  const stats = await redis.info('commandstats');
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}

async function fillSome(): Promise<void> {
  for (const cache of [a, b])
    for (const key of ['1', '2']) {
      await cache.getOrLoad(key, load(key));
      await filled(cache, key);
    }
}

it('asks once for all reads of one turn', async () => {
  await fillSome();
  const before = await scripts();
  const answers = await Promise.all([
    a.getOrLoad('1', never),
    a.getOrLoad('2', never),
    b.getOrLoad('1', never),
    a.getOrLoad('1', never),
  ]);
  expect(answers).toEqual(['1', '2', '1', '1']);
  expect((await scripts()) - before).toBe(1);
});

it('asks once for the right to load all that is not there, and puts all in at once', async () => {
  await fillSome();
  const before = await scripts();
  const keys = ['1', '3', '4', '5'];
  const answers = await Promise.all(keys.map((key) => a.getOrLoad(key, load(key))));
  expect(answers).toEqual(keys);
  for (const key of keys) await filled(a, key);
  expect((await scripts()) - before).toBe(2);
  expect(found.slice(-4)).toEqual(['hit', 'miss', 'miss', 'miss']);
});

it('lets who glances at something to load it do so at once, and others wait for that', async () => {
  const glance = new Glance();
  a.glanceAt('1', glance, { toLoad: true });
  a.glanceAt('1', glance, { toLoad: true });
  const seen = await glance.all();
  const other = createRedis({ url: server.url });
  const elsewhere = createCache({ redis: other, service: 'tests', name: 'a', policy: 'post' });
  const waiting = elsewhere.getOrLoad('1', never);
  const loads: string[] = [];
  const loadOnce = () => {
    loads.push('1');
    return Promise.resolve('"value"');
  };
  const values = await Promise.all(
    seen.map((each) => a.getOrLoadBytes('1', loadOnce, { seen: each instanceof Missing ? each : undefined })),
  );
  expect(values.map(String)).toEqual(['"value"', '"value"']);
  expect(loads).toHaveLength(1);
  expect(await waiting).toBe('value');
  await closeRedis(other);
});

it('does not take a right where it only looks', async () => {
  const glance = new Glance();
  a.glanceAt('1', glance);
  await glance.all();
  expect(await a.getBytes('1')).toBeUndefined();
  expect(await redis.exists('tests:cache:a.1:1')).toBe(0);
});

it('finds what is there in a Redis that takes nothing any more, and loads the rest', async () => {
  await fillSome();
  await redis.config('SET', 'maxmemory', 1);
  const answers = await Promise.all(['1', '3'].map((key) => a.getOrLoad(key, load(key))));
  expect(answers).toEqual(['1', '3']);
  expect(found.slice(-2)).toEqual(['hit', 'miss']);
  await redis.config('SET', 'maxmemory', 0);
  await a.getOrLoad('3', load('3'));
  await waitFor(() => a.getBytes('3'));
});

it('gives each cache its rights for as long as it asks', async () => {
  const slow = createCache({ redis, service: 'tests', name: 'slow', policy: 'post', leaseMs: 60_000 });
  const glance = new Glance();
  a.glanceAt('1', glance, { toLoad: true });
  slow.glanceAt('1', glance, { toLoad: true });
  await glance.all();
  expect(await redis.pttl('tests:cache:a.1:1')).toBeLessThanOrEqual(1_000);
  expect(await redis.pttl('tests:cache:slow.1:1')).toBeGreaterThan(1_000);
});
