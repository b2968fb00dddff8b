import { startFaultProxy, startRedisCluster, waitFor, type RedisGroup } from '@rostrum/testing';
import {
  closeRedis,
  createRedis,
  createSubscriber,
  duplicateForBlocking,
  pingRedis,
  whenRedisReady,
  type Redis,
} from '../src';

/** The design promises 10 s from the end of a fault. */
const healing = { timeoutMs: 10_000, everyMs: 20 };

let cluster: RedisGroup;
const cleanUp: (() => Promise<unknown> | void)[] = [];

beforeAll(async () => {
  cluster = await startRedisCluster();
});
afterAll(() => cluster.stop());
afterEach(async () => {
  for (const action of cleanUp.splice(0).reverse()) await action();
});

function open(options: { commandTimeoutMs?: number } = {}): Redis {
  const redis = createRedis({ clusterNodes: cluster.members, ...options });
  cleanUp.push(() => closeRedis(redis));
  return redis;
}

/** One key for each of many slots, so that every node has some. */
const keys = Array.from({ length: 60 }, (_, index) => `key ${index}`);

describe('a cluster', () => {
  it('takes all kinds of commands, also those given before the first node is there', async () => {
    const redis = open();
    const [written, batch, transaction] = await Promise.all([
      redis.set('first', 'value'),
      redis.pipeline().set('{same}:a', '1').get('{same}:a').exec(),
      redis.multi().incr('{one}:b').incr('{one}:b').exec(),
    ]);
    expect(written).toBe('OK');
    expect(batch).toEqual([
      [null, 'OK'],
      [null, '1'],
    ]);
    expect(transaction).toEqual([
      [null, 1],
      [null, 2],
    ]);
    await Promise.all(keys.map((key) => redis.set(key, key)));
    expect(await Promise.all(keys.map((key) => redis.get(key)))).toEqual(keys);
    await pingRedis(redis);
  });

  it('is found by way of any node that answers', async () => {
    const nowhere = await startFaultProxy({ target: '127.0.0.1:1' });
    await nowhere.refuse();
    const [, , last] = cluster.members;
    const redis = createRedis({
      clusterNodes: [{ host: nowhere.host, port: nowhere.port }, last ?? nowhere],
    });
    cleanUp.push(() => closeRedis(redis));
    expect(await whenRedisReady(redis)).toBe(true);
    expect(await redis.set('key', 'value')).toBe('OK');
  });

  it('that is nowhere is waited for only so long', async () => {
    const nowhere = await startFaultProxy({ target: '127.0.0.1:1' });
    await nowhere.refuse();
    const redis = createRedis({ clusterNodes: [{ host: nowhere.host, port: nowhere.port }] });
    cleanUp.push(() => closeRedis(redis));
    const startedAt = performance.now();
    await Promise.all([
      expect(redis.set('key', 'value')).rejects.toThrow(),
      expect(redis.pipeline().get('key').exec()).rejects.toThrow(),
      expect(redis.multi().get('key').exec()).rejects.toThrow(),
      expect(pingRedis(redis)).rejects.toMatchObject({ code: 'REDIS_UNAVAILABLE' }),
    ]);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  it.each<['frozen' | 'killed']>([['frozen'], ['killed']])(
    'with a node that is %s fails quickly where it must, and is whole again soon after',
    async (fate) => {
      const redis = open({ commandTimeoutMs: 200 });
      await waitFor(() => Promise.all(keys.map((key) => redis.set(key, 'value'))), healing);
      const heard: string[] = [];
      const subscriber = createSubscriber({ redis, onMessage: (_channel, text) => heard.push(text) });
      const reader = duplicateForBlocking(redis);
      cleanUp.push(
        () => subscriber.close(),
        () => closeRedis(reader),
      );
      await waitFor(() => subscriber.ready);
      await subscriber.subscribe('news');

      const [node] = cluster.members;
      if (!node) throw new Error('A cluster has nodes');
      await (fate === 'frozen' ? cluster.pause(node) : cluster.kill(node));
      let longest = 0;
      let failures = 0;
      for (const key of keys) {
        const askedAt = performance.now();
        await redis.get(key).catch(() => (failures += 1));
        longest = Math.max(longest, performance.now() - askedAt);
      }
      expect(failures).toBeGreaterThan(0);
      expect(longest).toBeLessThan(2_500);
      await expect(pingRedis(redis)).rejects.toMatchObject({ status: 503 });

      await (fate === 'frozen' ? cluster.resume(node) : cluster.start(node));
      await waitFor(() => Promise.all(keys.map((key) => redis.set(key, 'new'))), {
        ...healing,
        timeoutMs: 20_000,
      });
      await pingRedis(redis);
      await waitFor(() => subscriber.ready, healing);
      await waitFor(async () => (await redis.publish('news', fate), heard.includes(fate)), healing);
      const read = waitFor(() => reader.brpop('list', 5), healing);
      await waitFor(() => redis.lpush('list', 'item'), healing);
      expect(await read).toEqual(['list', 'item']);
    },
    60_000,
  );

  it('never runs a command again whose caller was told that it failed', async () => {
    const redis = open({ commandTimeoutMs: 100 });
    await waitFor(() => redis.set('count', 0), healing);
    for (const member of cluster.members) await cluster.pause(member);
    await expect(redis.incr('count')).rejects.toThrow();
    for (const member of cluster.members) await cluster.resume(member);
    await waitFor(() => redis.get('count'), { ...healing, timeoutMs: 20_000 });
    // It was taken late, by the node that had been frozen with it, but once.
    expect(['0', '1']).toContain(await redis.get('count'));
  }, 60_000);
});
