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
  type RedisHooks,
} from '../src';

/**
 * What is promised to users is 15 s; here the sentinels take a master for dead after two seconds, in production after
 * five. On a busy machine their votes may be split, and each new vote takes them ten seconds more.
 */
const patience = { timeoutMs: 60_000, everyMs: 20 };
/** What is promised. */
const resuming = { timeoutMs: 15_000, everyMs: 20, what: 'writes' };
const healing = { timeoutMs: 20_000, everyMs: 20 };

let set: RedisSentinelSet;
const cleanUp: (() => Promise<unknown> | void)[] = [];

beforeAll(async () => {
  set = await startRedisSentinel();
});
afterAll(() => set.stop());
// What one test has done to it, or a busy machine, may still be going on.
beforeEach(() => untilWhole(set), 90_000);
afterEach(async () => {
  for (const action of cleanUp.splice(0).reverse()) await action();
});

function open({ sentinels, masterName }: RedisSentinelSet, hooks: RedisHooks = {}): Redis {
  const redis = createRedis({ sentinels, masterName, hooks });
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

/** Before the sentinels agree and all replicas follow, there is nobody to put in the master's place. */
async function untilWhole({ sentinels, masterName, master }: RedisSentinelSet): Promise<void> {
  const whole = async () => {
    const answers = sentinels.map((sentinel) =>
      ask(sentinel, async (redis) => {
        const fields = (await redis.call('SENTINEL', 'MASTER', masterName)) as string[];
        return [fields[fields.indexOf('port') + 1], fields[fields.indexOf('flags') + 1]].join();
      }),
    );
    const told = new Set(await Promise.all(answers));
    if (told.size !== 1 || ![...told][0]?.endsWith(',master')) return false;
    const info = await ask(await master(), (redis) => redis.info('replication'));
    return info.match(/state=online/g)?.length === 2;
  };
  await waitFor(whole, { ...patience, what: 'two replicas that follow' });
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
  }, resuming);
  expect(longest).toBeLessThan(2_000);
  return Math.round(performance.now() - startedAt);
}

interface Fate {
  name: string;
  strike: (own: RedisSentinelSet, master: RedisMember) => Promise<void>;
  heal: (own: RedisSentinelSet, master: RedisMember) => Promise<void>;
}

async function survive(own: RedisSentinelSet, { name, strike, heal }: Fate): Promise<void> {
  const states: string[] = [];
  const redis = open(own, { onStateChange: (state) => states.push(state) });
  const heard: string[] = [];
  const subscriber = createSubscriber({ redis, onMessage: (_channel, text) => heard.push(text) });
  const reader = duplicateForBlocking(redis);
  cleanUp.push(
    () => subscriber.close(),
    () => closeRedis(reader),
  );
  await waitFor(() => subscriber.ready, healing);
  await subscriber.subscribe('news');
  await whenRedisReady(reader);
  await redis.set('before', 'value');
  await untilWhole(own);

  const master = await own.master();
  await strike(own, master);
  process.stdout.write(`a master is ${name}: writes resume after ${await untilWritesResume(redis)} ms\n`);
  expect((await own.master()).name).not.toBe(master.name);
  expect(await redis.get('before')).toBe('value');
  await waitFor(() => subscriber.ready, healing);
  await waitFor(async () => (await redis.publish('news', 'again')) > 0 && heard.includes('again'), healing);
  const read = waitFor(() => reader.brpop('list', 5), healing);
  await waitFor(() => redis.lpush('list', 'item'), healing);
  expect(await read).toEqual(['list', 'item']);

  await heal(own, master);
  await waitFor(async () => (await roleOf(master)) === 'slave', { ...patience, what: 'a replica of it' });
  expect(await redis.set('with a new replica', 'value')).toBe('OK');
  await pingRedis(redis);
  const times = (state: string) => states.filter((each) => each === state).length;
  expect(times('ready')).toBe(times('lost') + 1);
}

it('writes resume when a master is frozen or killed, and what it was comes back as a replica', async () => {
  const other = await startRedisSentinel();
  cleanUp.push(() => other.stop());
  // Most of it is waiting for sentinels: both at the same time.
  await Promise.all([
    survive(set, {
      name: 'frozen',
      strike: (own, master) => own.pause(master),
      heal: (own, master) => own.resume(master),
    }),
    survive(other, {
      name: 'killed',
      strike: (own, master) => own.kill(master),
      heal: (own, master) => own.start(master),
    }),
  ]);
}, 180_000);

it('a client that only reads leaves a master that has been demoted', async () => {
  const redis = open(set);
  await redis.set('key', 'old');
  const before = await set.master();
  const [sentinel] = set.sentinels as [RedisMember];
  await waitFor(
    async () => {
      const now = await set.master();
      // On a busy machine a failover is given up, or followed by another one.
      if (now.name === before.name) {
        await ask(sentinel, (asked) => asked.call('SENTINEL', 'FAILOVER', set.masterName));
        return false;
      }
      await ask(now, (master) => master.set('key', 'new'));
      expect(await redis.get('key')).toBe('new');
      const { remoteAddress, remotePort } = redis.stream as unknown as {
        remoteAddress: string;
        remotePort: number;
      };
      return remotePort === now.port && remoteAddress === now.host;
    },
    { ...patience, everyMs: 500, what: 'reads from the new master' },
  );
}, 90_000);

it('a client whose master refuses a write as a replica is no longer served by it, not even reads', async () => {
  const redis = open(set);
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
