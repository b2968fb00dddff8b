import {
  createTestRedis,
  startFaultProxy,
  startRedisServer,
  waitFor,
  type OwnServer,
} from '@rostrum/testing';
import {
  closeRedis,
  createRedis,
  duplicateForBlocking,
  pingRedis,
  whenRedisReady,
  type Redis,
  type RedisOptions,
} from '../src';

/** The design promises 10 s from the end of a fault. */
const healing = { timeoutMs: 10_000, everyMs: 20 };
const opened: Redis[] = [];

function open(url: string, options: Partial<RedisOptions> = {}): Redis {
  const redis = createRedis({ url, ...options });
  opened.push(redis);
  return redis;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map(closeRedis));
});

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Asks again and again and remembers how each time went, as traffic does. */
async function failuresDuring(redis: Redis, ms: number): Promise<number[]> {
  const waits: number[] = [];
  const endsAt = performance.now() + ms;
  while (performance.now() < endsAt) {
    waits.push(await timed(() => expect(redis.get('key')).rejects.toThrow()));
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return waits;
}

describe('a Redis that is well', () => {
  it('takes commands given before the connection is there', async () => {
    const shared = await createTestRedis();
    const redis = open(shared.url);
    expect(await redis.set('key', 'value')).toBe('OK');
    expect(await redis.get('key')).toBe('value');
    await pingRedis(redis);
    expect(await whenRedisReady(redis)).toBe(true);
    await shared.close();
  });

  it('is waited for only so long at the start', async () => {
    const proxy = await startFaultProxy({ target: '127.0.0.1:1' });
    await proxy.refuse();
    const redis = open(`redis://127.0.0.1:${proxy.port}`);
    expect(await whenRedisReady(redis, 50)).toBe(false);
    await expect(pingRedis(redis)).rejects.toMatchObject({ code: 'REDIS_UNAVAILABLE', status: 503 });
  });
});

describe('a Redis that fails', () => {
  let server: OwnServer;

  beforeAll(async () => {
    server = await startRedisServer();
  });

  afterAll(() => server.stop());

  it('makes commands fail quickly while it is frozen, and answers again soon after', async () => {
    const redis = open(server.url, { commandTimeoutMs: 200 });
    await redis.set('key', 'value');
    await server.pause();
    const waits = await failuresDuring(redis, 2_500);
    // Two tenths of a second, and room for a busy machine; without a limit they would wait until it answers.
    expect(Math.max(...waits)).toBeLessThan(2_000);
    // Once the connection is given up, nobody waits at all.
    expect(Math.min(...waits)).toBeLessThan(20);
    await server.resume();
    await waitFor(() => redis.get('key'), healing);
  });

  it('makes commands fail at once while it is gone, and answers again soon after', async () => {
    const states: string[] = [];
    const errors: Error[] = [];
    const redis = open(server.url, {
      hooks: { onStateChange: (state) => states.push(state), onError: (error) => errors.push(error) },
    });
    await redis.set('key', 'value');
    await server.kill();
    await waitFor(() => redis.status === 'reconnecting');
    const waits = await failuresDuring(redis, 300);
    expect(Math.min(...waits)).toBeLessThan(20);
    expect(Math.max(...waits)).toBeLessThan(1_000);
    await server.restart();
    await waitFor(async () => (await redis.set('key', 'new')) === 'OK', healing);
    expect(states).toEqual(['ready', 'lost', 'ready']);
    expect(errors.length).toBeGreaterThan(0);
  });

  it('never runs a command again whose caller was told that it failed', async () => {
    const proxy = await startFaultProxy({ target: server.url });
    const redis = open(proxy.urlFor(server.url), { commandTimeoutMs: 100 });
    await redis.set('count', 0);
    proxy.halfOpen('toClient');
    await expect(redis.incr('count')).rejects.toThrow();
    proxy.reset();
    await proxy.heal();
    await waitFor(() => redis.get('count'), healing);
    expect(await redis.get('count')).toBe('1');
    await proxy.close();
  });

  it('wakes a blocked reader when it is lost, and lets it read again afterwards', async () => {
    const redis = open(server.url);
    const reader = duplicateForBlocking(redis);
    opened.push(reader);
    const lost = expect(reader.brpop('list', 10)).rejects.toThrow();
    await waitFor(async () => String(await redis.client('LIST')).includes('cmd=brpop'));
    await server.kill();
    await lost;
    await server.restart();
    const read = waitFor(() => reader.brpop('list', 5), healing);
    await waitFor(() => redis.lpush('list', 'item'), healing);
    expect(await read).toEqual(['list', 'item']);
  });
});

it('does not let a blocked reader hold up other commands', async () => {
  const shared = await createTestRedis();
  const redis = open(shared.url);
  const reader = duplicateForBlocking(redis);
  opened.push(reader);
  const read = reader.brpop('list', 10);
  await waitFor(async () => String(await redis.client('LIST')).includes('cmd=brpop'));
  await redis.lpush('list', 'item');
  expect(await read).toEqual(['list', 'item']);
  await shared.close();
});
