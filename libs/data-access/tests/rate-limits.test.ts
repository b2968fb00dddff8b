import {
  createTestRedis,
  startRecordingProxy,
  startRedisServer,
  waitFor,
  type TestRedis,
} from '@rostrum/testing';
import { closeRedis, createRedis, whenRedisReady, type Redis } from '../src';
import { sendingTurn } from '../src/redis/sending-turn';
import { Admitted, ask, askMany, cleanUp, connect, limitsOf, perMinute } from './rate-limits-scene';

describe('with Redis', () => {
  let shared: TestRedis;

  beforeEach(async () => {
    shared = await createTestRedis();
    cleanUp.push(() => shared.close());
  });

  it('admits what the limit says and tells when it admits again', async () => {
    const limits = limitsOf(await connect(shared.url));
    const verdicts = [];
    for (let i = 0; i < 5; i += 1) verdicts.push(await ask(limits, perMinute(3), 'ada'));
    expect(verdicts.map((verdict) => verdict?.remaining)).toEqual([2, 1, 0, -1, -1]);
    for (const verdict of verdicts) {
      expect(verdict?.resetMs).toBeGreaterThan(30_000);
      expect(verdict?.resetMs).toBeLessThanOrEqual(60_000);
    }
    expect(await ask(limits, perMinute(3), 'grace')).toMatchObject({ remaining: 2 });
  });

  it('admits again when the window is over, though it was asked all the time', async () => {
    const limits = limitsOf(await connect(shared.url));
    const limit = { name: 'short', quota: 2, windowMs: 300 };
    expect(await askMany(limits, limit, 4)).toBe(2);
    await waitFor(async () => ((await ask(limits, limit, 'same'))?.remaining ?? -1) >= 0, {
      what: 'the window to be over',
    });
  });

  it('is one limit for all who share the Redis, to the last request', async () => {
    const instances = await Promise.all([1, 2, 3].map(async () => limitsOf(await connect(shared.url))));
    const admitted = await Promise.all(instances.map((limits) => askMany(limits, perMinute(100), 90)));
    expect(admitted.reduce((sum, each) => sum + each)).toBe(100);
  });

  it('keeps limits apart that are asked in the same turn, and large turns in pieces', async () => {
    const limits = limitsOf(await connect(shared.url));
    const [first, second] = [perMinute(400), { name: 'other', quota: 10, windowMs: 1000 }];
    const [of400, of10] = await Promise.all([askMany(limits, first, 700), askMany(limits, second, 300)]);
    expect([of400, of10]).toEqual([400, 10]);
  });

  it('counts what was admitted without asking by itself, all of a caller at once', async () => {
    const limits = limitsOf(await connect(shared.url));
    const [ada, grace] = [new Admitted(perMinute(10), 'ada', 3), new Admitted(perMinute(10), 'grace', 12)];
    limits.count(ada);
    limits.count(grace);
    await waitFor(() => ada.told.length > 0 && grace.told.length > 0, { what: 'both to be counted' });
    expect([...ada.told, ...grace.told]).toEqual(['3 counted, 7 left', '12 counted, 0 left']);
    expect(await ask(limits, perMinute(10), 'ada')).toMatchObject({ remaining: 6 });
    expect(await ask(limits, perMinute(10), 'grace')).toMatchObject({ remaining: -1 });
  });

  it('counts what was admitted before it decides on what is asked later', async () => {
    const limits = limitsOf(await connect(shared.url));
    const remaining = [];
    for (let i = 0; i < 20; i += 1) {
      limits.count(new Admitted(perMinute(100), 'ada', 2));
      remaining.push((await ask(limits, perMinute(100), 'ada'))?.remaining);
    }
    expect(remaining).toEqual(Array.from({ length: 20 }, (_, index) => 97 - 3 * index));
  });

  it('counts what was admitted before its client is closed', async () => {
    const redis = createRedis({ url: shared.url });
    await whenRedisReady(redis);
    limitsOf(redis).count(new Admitted(perMinute(10), 'ada', 4));
    await closeRedis(redis);
    expect(await ask(limitsOf(await connect(shared.url)), perMinute(10), 'ada')).toMatchObject({
      remaining: 5,
    });
  });

  it('knows how to go on when Redis has forgotten its scripts', async () => {
    const redis = await connect(shared.url);
    const limits = limitsOf(redis);
    await ask(limits, perMinute(3), 'ada');
    await redis.script('FLUSH');
    expect(await ask(limits, perMinute(3), 'ada')).toMatchObject({ remaining: 1 });
    expect(limits.available).toBe(true);
  });

  it('spreads callers over slots where it has to do with a cluster, each always in the same one', async () => {
    const redis = await connect(shared.url);
    const cluster = Object.assign(Object.create(redis) as Redis, { isCluster: true });
    const limits = limitsOf(cluster);
    const callers = Array.from({ length: 50 }, (_, index) => `caller ${index}`);
    await Promise.all(callers.map((caller) => ask(limits, perMinute(3), caller)));
    const again = await Promise.all(callers.map((caller) => ask(limits, perMinute(3), caller)));
    expect(again.map((verdict) => verdict?.remaining)).toEqual(callers.map(() => 1));
    const tags = (await redis.keys('rate:*')).map((key) => /\{\d+\}/.exec(key)?.[0]);
    expect(new Set(tags).size).toBeGreaterThan(10);
  });
});

/** How often the client's socket is written to: two writes can still arrive as one packet. */
function countWrites({ stream }: Redis): () => number {
  const one = jest.spyOn(stream, '_write');
  // A socket can write several pieces at once, though its type says that a stream need not.
  const several = jest.spyOn(stream as Required<typeof stream>, '_writev');
  return () => one.mock.calls.length + several.mock.calls.length;
}

it('costs one round trip together with a cached read of the same turn', async () => {
  const shared = await createTestRedis();
  cleanUp.push(() => shared.close());
  const proxy = await startRecordingProxy({ target: shared.url });
  cleanUp.push(() => proxy.close());
  const redis = await connect(proxy.urlFor(shared.url));
  const limits = limitsOf(redis);
  await redis.set('post', 'cached');
  // As the cache does it.
  const read = () =>
    new Promise((resolve, reject) => {
      sendingTurn(redis).atEnd(() => redis.mget('post').then(resolve, reject));
    });
  await ask(limits, perMinute(1000), 'warm');
  proxy.clear();
  const writes = countWrites(redis);
  const rounds = 50;
  for (let i = 0; i < rounds; i += 1) {
    const [verdict, value] = await Promise.all([ask(limits, perMinute(1000), 'ada'), read()]);
    expect([verdict?.remaining, value]).toEqual([999 - i, ['cached']]);
  }
  expect(proxy.packets()).toHaveLength(rounds);
  expect(writes()).toBe(rounds);
});

it('decides what is asked in one turn by one call of the script', async () => {
  const server = await startRedisServer();
  cleanUp.push(() => server.stop());
  const redis = await connect(server.url);
  const limits = limitsOf(redis);
  await ask(limits, perMinute(1000), 'warm');
  const calls = async () =>
    Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0);
  const before = await calls();
  await askMany(limits, perMinute(1000), 200);
  expect((await calls()) - before).toBe(1);
});
