import { startRedisSentinel, waitFor, type RedisMember, type RedisSentinelSet } from '@rostrum/testing';
import { Redis as IoRedis } from 'ioredis';
import {
  closeRedis,
  createRedis,
  createSubscriber,
  duplicateForBlocking,
  pingRedis,
  whenRedisReady,
  type Redis,
} from '../src';

/** What is promised to users; here the sentinels take a master for dead after one second, in production after five. */
const resumeWithinMs = 15_000;
const healing = { timeoutMs: resumeWithinMs, everyMs: 20 };

let set: RedisSentinelSet;
const cleanUp: (() => Promise<unknown> | void)[] = [];

beforeAll(async () => {
  set = await startRedisSentinel();
});
afterAll(() => set.stop());
afterEach(async () => {
  for (const action of cleanUp.splice(0).reverse()) await action();
});

function open(): Redis {
  const redis = createRedis({ sentinels: set.sentinels, masterName: set.masterName });
  cleanUp.push(() => closeRedis(redis));
  return redis;
}

/** Straight to one of them, past the sentinels. */
async function ask<T>({ host, port }: RedisMember, question: (redis: IoRedis) => Promise<T>): Promise<T> {
  const redis = new IoRedis({ host, port, retryStrategy: null, commandTimeout: 1_000 });
  redis.on('error', () => undefined);
  try {
    return await question(redis);
  } finally {
    redis.disconnect();
  }
}

const roleOf = (member: RedisMember) => ask(member, async (redis) => String((await redis.role())[0]));

/** Until all replicas follow the present master, the next failover has nobody to put in its place. */
async function untilWhole(): Promise<void> {
  await waitFor(
    async () => {
      const master = await set.master();
      const info = await ask(master, (redis) => redis.info('replication'));
      return (
        info.includes('connected_slaves:2') &&
        !info.includes('state=wait') &&
        info.match(/state=online/g)?.length === 2
      );
    },
    { timeoutMs: 30_000, everyMs: 50, what: 'two replicas that follow' },
  );
}

/** Writes until Redis takes one. No write waits for longer than its own limit. */
async function untilWritesResume(redis: Redis): Promise<number> {
  const startedAt = performance.now();
  let longest = 0;
  await waitFor(async () => {
    const askedAt = performance.now();
    try {
      return (await redis.set('after', 'value')) === 'OK';
    } finally {
      longest = Math.max(longest, performance.now() - askedAt);
    }
  }, healing);
  expect(longest).toBeLessThan(2_000);
  return Math.round(performance.now() - startedAt);
}

it('writes resume when a master is frozen, and when the next one is killed; both come back as replicas', async () => {
  const states: string[] = [];
  const redis = createRedis({
    sentinels: set.sentinels,
    masterName: set.masterName,
    hooks: { onStateChange: (state) => states.push(state) },
  });
  cleanUp.push(() => closeRedis(redis));
  const heard: string[] = [];
  const subscriber = createSubscriber({ redis, onMessage: (_channel, text) => heard.push(text) });
  cleanUp.push(() => subscriber.close());
  const reader = duplicateForBlocking(redis);
  cleanUp.push(() => closeRedis(reader));
  await waitFor(() => subscriber.ready);
  await subscriber.subscribe('news');
  await whenRedisReady(reader);
  await redis.set('before', 'value');
  const lost: RedisMember[] = [];

  for (const [fate, strike] of [['frozen', set.pause] as const, ['killed', set.kill] as const]) {
    const master = await set.master();
    lost.push(master);
    await strike(master);
    const resumedMs = await untilWritesResume(redis);
    process.stdout.write(`a master is ${fate}: writes resume after ${resumedMs} ms\n`);
    expect(resumedMs).toBeLessThan(resumeWithinMs);
    expect((await set.master()).name).not.toBe(master.name);
    expect(await redis.get('before')).toBe('value');

    await waitFor(() => subscriber.ready, healing);
    await waitFor(async () => (await redis.publish('news', fate)) > 0 && heard.includes(fate), healing);
    const read = waitFor(() => reader.brpop('list', 5), healing);
    await waitFor(() => redis.lpush('list', fate), healing);
    expect(await read).toEqual(['list', fate]);
  }

  await Promise.all([set.resume(lost[0] as RedisMember), set.start(lost[1] as RedisMember)]);
  for (const member of lost) {
    await waitFor(async () => (await roleOf(member)) === 'slave', { timeoutMs: 40_000, everyMs: 50 });
  }
  expect(await redis.set('with new replicas', 'value')).toBe('OK');
  await pingRedis(redis);
  const times = (state: string) => states.filter((each) => each === state).length;
  expect(times('ready')).toBe(times('lost') + 1);
}, 120_000);

it('a client that only reads leaves a master that has been demoted', async () => {
  await untilWhole();
  const redis = open();
  await redis.set('key', 'old');
  const before = await set.master();
  await ask({ name: '', host: '127.0.0.1', port: set.sentinels[0]?.port ?? 0 }, (sentinel) =>
    sentinel.call('SENTINEL', 'FAILOVER', set.masterName),
  );
  await waitFor(async () => (await set.master()).name !== before.name, { timeoutMs: 30_000 });
  const now = await set.master();
  await waitFor(() => ask(now, (master) => master.set('key', 'new')), healing);
  const address = `${before.host}:${before.port}`;
  await waitFor(async () => {
    expect(await redis.get('key')).toBe('new');
    const { remoteAddress, remotePort } = redis.stream as unknown as {
      remoteAddress: string;
      remotePort: number;
    };
    return `${remoteAddress}:${remotePort}` !== address;
  }, healing);
}, 90_000);

it('a client whose master refuses a write as a replica is no longer served by it, not even reads', async () => {
  const redis = open();
  await redis.set('key', 'value');
  const master = await set.master();
  // Demoted behind the sentinels' back, and without a word to its clients.
  await ask(master, (server) => server.replicaof('127.0.0.1', 1));
  expect(await redis.get('key')).toBe('value');
  await expect(redis.set('key', 'refused')).rejects.toThrow('READONLY');
  // It is still the one that the sentinels name, and its own word is what counts.
  for (let i = 0; i < 10; i += 1) await expect(redis.get('key')).rejects.toThrow();
  expect(await roleOf(master)).toBe('slave');
  await ask(master, (server) => server.replicaof('NO', 'ONE'));
  await waitFor(async () => (await redis.set('key', 'taken')) === 'OK', healing);
}, 90_000);

it('is found by whichever sentinel still answers', async () => {
  const [first, second] = set.sentinels;
  if (!first || !second) throw new Error('There are three sentinels');
  await set.pause(first);
  await set.kill(second);
  cleanUp.push(
    () => set.resume(first),
    () => set.start(second),
  );
  const redis = createRedis({
    sentinels: [first, second, ...set.sentinels.slice(2)],
    masterName: set.masterName,
  });
  cleanUp.push(() => closeRedis(redis));
  await waitFor(() => redis.set('key', 'value'), healing);
}, 60_000);
