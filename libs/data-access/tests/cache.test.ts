import { createTestRedis, startRedisServer, waitFor, type TestRedis } from '@rostrum/testing';
import { closeRedis, createCache, createRedis, type Cache, type Redis } from '../src';

let shared: TestRedis;
let redis: Redis;

beforeEach(async () => {
  shared = await createTestRedis();
  redis = createRedis({ url: shared.url });
});

afterEach(async () => {
  await closeRedis(redis);
  await shared.close();
});

const cacheOf = (own: Redis = redis) => createCache({ redis: own, name: 'posts' });

/** Waits until a fill, which nobody waits for otherwise, has arrived. */
const filled = (cache: Cache, key: string) =>
  waitFor(() => cache.getBytes(key), { what: `a fill of ${key}` });

it('loads once, then answers from Redis, for other processes too', async () => {
  const cache = cacheOf();
  const load = jest.fn(() => Promise.resolve({ id: 1, text: 'grüße' }));
  expect(await cache.getOrLoad('1', 60, load)).toEqual({ id: 1, text: 'grüße' });
  await filled(cache, '1');
  expect(await cacheOf().getOrLoad('1', 60, load)).toEqual({ id: 1, text: 'grüße' });
  expect(load).toHaveBeenCalledTimes(1);
});

it('lets all who ask at the same time share one load', async () => {
  const cache = cacheOf();
  const load = jest.fn(() => Promise.resolve('value'));
  const answers = await Promise.all(Array.from({ length: 100 }, () => cache.getOrLoad('1', 60, load)));
  expect(new Set(answers)).toEqual(new Set(['value']));
  expect(load).toHaveBeenCalledTimes(1);
});

it('hands a failed load to all who wait for it, and tries again for the next', async () => {
  const cache = cacheOf();
  const fail = () => Promise.reject(new Error('no'));
  await expect(cache.getOrLoad('1', 60, fail)).rejects.toThrow('no');
  expect(await cache.getOrLoad('1', 60, () => Promise.resolve('value'))).toBe('value');
});

it('keeps nothing for what is not there', async () => {
  const cache = cacheOf();
  const load = jest.fn(() => Promise.resolve(undefined));
  expect(await cache.getOrLoad('1', 60, load)).toBeUndefined();
  expect(await cache.getOrLoad('1', 60, load)).toBeUndefined();
  expect(load).toHaveBeenCalledTimes(2);
});

it('passes bytes through as they are', async () => {
  const cache = cacheOf();
  const load = () => Promise.resolve('{"text":"grüße"}');
  expect((await cache.getOrLoadBytes('1', 60, load))?.toString()).toBe('{"text":"grüße"}');
  expect((await filled(cache, '1')).toString()).toBe('{"text":"grüße"}');
});

it('spreads the ends of what was cached together', async () => {
  const cache = cacheOf();
  const keys = Array.from({ length: 50 }, (_, index) => String(index));
  await Promise.all(keys.map((key) => cache.getOrLoad(key, 100, () => Promise.resolve(key))));
  await Promise.all(keys.map((key) => filled(cache, key)));
  const ttls = await Promise.all(keys.map((key) => redis.pttl(`cache:posts:${key}`)));
  expect(Math.min(...ttls)).toBeGreaterThan(88_000);
  expect(Math.max(...ttls)).toBeLessThanOrEqual(110_000);
  expect(Math.max(...ttls) - Math.min(...ttls)).toBeGreaterThan(5_000);
});

it('asks Redis once for all reads of one turn', async () => {
  const cache = cacheOf();
  const other = createCache({ redis, name: 'users' });
  await redis.mset('cache:posts:1', '"a"', 'cache:posts:2', '"b"', 'cache:users:1', '"c"');
  const commands = async () =>
    Number(/cmdstat_mget:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0);
  const before = await commands();
  const never = () => Promise.reject(new Error('was cached'));
  const answers = await Promise.all([
    cache.getOrLoad('1', 60, never),
    cache.getOrLoad('2', 60, never),
    cache.getOrLoad('1', 60, never),
    other.getOrLoad('1', 60, never),
  ]);
  expect(answers).toEqual(['a', 'b', 'a', 'c']);
  // Suites beside this one share the server, but none of them reads by MGET in that moment more than a few times.
  expect((await commands()) - before).toBeGreaterThanOrEqual(1);
  expect((await commands()) - before).toBeLessThan(4);
});

describe('invalidation', () => {
  it('makes all processes load anew', async () => {
    const cache = cacheOf();
    const elsewhere = cacheOf();
    await cache.getOrLoad('1', 60, () => Promise.resolve('old'));
    await filled(cache, '1');
    await cache.invalidate('1');
    expect(await elsewhere.getOrLoad('1', 60, () => Promise.resolve('new'))).toBe('new');
    await filled(cache, '1');
    expect(await cache.getOrLoad('1', 60, () => Promise.reject(new Error('was cached')))).toBe('new');
  });

  it.each(['a cold key', 'a key that was invalidated before'])(
    'is never undone by a load of %s that began before it',
    async (state) => {
      const cache = cacheOf();
      const elsewhere = cacheOf();
      if (state !== 'a cold key') await cache.invalidate('1');
      const old = Promise.withResolvers<string>();
      const slow = elsewhere.getOrLoad('1', 60, () => old.promise);
      await waitForLoad(elsewhere);
      await cache.invalidate('1');
      old.resolve('old');
      expect(await slow).toBe('old');
      // The fill is sent before this read is, over the same connection.
      expect(await cache.getBytes('1')).toBeUndefined();
      expect(await cache.getOrLoad('1', 60, () => Promise.resolve('new'))).toBe('new');
    },
  );

  it('keeps those who ask after it from sharing a load that began before it', async () => {
    const cache = cacheOf();
    const elsewhere = cacheOf();
    const old = Promise.withResolvers<string>();
    const slow = elsewhere.getOrLoad('1', 60, () => old.promise);
    await waitForLoad(elsewhere);
    await cache.invalidate('1');
    expect(await elsewhere.getOrLoad('1', 60, () => Promise.resolve('new'))).toBe('new');
    old.resolve('old');
    await slow;
  });

  /** One turn for the read, and its answer: then the load has begun. */
  async function waitForLoad(cache: Cache): Promise<void> {
    await cache.getBytes('another');
  }
});

describe('without Redis', () => {
  it('loads, tells, and is itself again when Redis is back', async () => {
    const server = await startRedisServer({ persistent: true });
    const own = createRedis({ url: server.url });
    const results: string[] = [];
    const cache = createCache({
      redis: own,
      name: 'posts',
      hooks: { onRead: ({ result }) => results.push(result) },
    });
    await cache.getOrLoad('1', 60, () => Promise.resolve('old'));
    await filled(cache, '1');
    await server.kill();
    await waitFor(() => own.status !== 'ready');
    expect(await cache.getOrLoad('1', 60, () => Promise.resolve('loaded'))).toBe('loaded');
    expect(results.at(-1)).toBe('error');

    // Changed while Redis could not be told: what it still holds must not come back with it.
    await cache.invalidate('1');
    await server.restart();
    await waitFor(() => own.status === 'ready');
    expect(await cache.getOrLoad('1', 60, () => Promise.resolve('new'))).toBe('new');
    await waitFor(
      async () =>
        (await cache.getOrLoad('1', 60, () => Promise.resolve('new'))) === 'new' && results.at(-1) === 'hit',
    );
    await closeRedis(own);
    await server.stop();
  });
});
