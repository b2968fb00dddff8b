import {
  startFaultProxy,
  startRedisServer,
  waitFor,
  type FaultProxy,
  type OwnServer,
} from '@rostrum/testing';
import {
  closeRedis,
  createCache,
  createRedis,
  watchEvictions,
  type Cache,
  type CacheOptions,
  type CacheResult,
  type Redis,
  type StoreGuard,
} from '../src';

let server: OwnServer;
let proxy: FaultProxy;
const cleanUp: (() => Promise<unknown> | void)[] = [];
let names = 0;

beforeAll(async () => {
  server = await startRedisServer({ persistent: true });
  proxy = await startFaultProxy({ target: server.url });
});
afterAll(async () => {
  await proxy.close();
  await server.stop();
});
beforeEach(() => {
  names += 1;
});
afterEach(async () => {
  await proxy.heal();
  for (const action of cleanUp.splice(0).reverse()) await action();
});

interface Opened {
  redis: Redis;
  cache: Cache;
  results: CacheResult[];
}

/** As another process has them: connections and knowledge of its own. */
function open(options: Partial<CacheOptions> & { url?: string; guard?: StoreGuard } = {}): Opened {
  const { url = proxy.urlFor(server.url), guard, ...rest } = options;
  const redis = createRedis({ url, ...(guard && { guard }) });
  cleanUp.push(() => closeRedis(redis));
  const results: CacheResult[] = [];
  const hooks = { onRead: (result: CacheResult) => results.push(result) };
  return {
    redis,
    results,
    cache: createCache({ redis, service: 'tests', name: `n${names}`, policy: 'post', hooks, ...rest }),
  };
}

const load = (value: string) => () => Promise.resolve(value);
const never = () => Promise.reject(new Error('was cached'));
const keyOf = (key: string) => `tests:cache:n${names}.1:${key}`;

/** A cache in use, with this value under '1'. */
async function inUse({ cache }: Opened, value: string): Promise<void> {
  await waitFor(async () => {
    await cache.getOrLoad('1', load(value));
    return (await cache.getBytes('1')) !== undefined;
  });
}

const percentile = (values: number[], share: number) =>
  values.sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0;

/** What is promised is 300 ms; a busy machine may take its time. */
const patience = 1_000;

it.each<[string, () => Promise<void> | void]>([
  ['gone', () => proxy.refuse()],
  ['silent', () => proxy.pause()],
  ['deaf, with its connections half open', () => proxy.halfOpen()],
  ['slow by 2 s', () => proxy.delay(2_000)],
])('with Redis %s reads come from the source, and the cache is used again afterwards', async (how, hurt) => {
  const opened = open();
  const { cache, results } = opened;
  await inUse(opened, 'old');
  await hurt();
  const waits: number[] = [];
  for (let i = 0; i < 300; i += 1) {
    const startedAt = performance.now();
    expect(['old', 'loaded']).toContain(await cache.getOrLoad('1', load('loaded')));
    waits.push(performance.now() - startedAt);
  }
  expect(results.at(-1)).toBe('error');
  const [p99, longest] = [percentile(waits, 0.99), Math.max(...waits)];
  process.stdout.write(`Redis ${how}: p99 ${p99.toFixed(1)} ms, longest ${longest.toFixed(0)} ms\n`);
  // The first reads wait until Redis is given up, and nobody after them.
  expect(p99).toBeLessThan(patience);
  expect(waits.filter((ms) => ms > 50).length).toBeLessThan(100);
  await proxy.heal();
  const healedAt = performance.now();
  await waitFor(async () => {
    await cache.getOrLoad('1', load('loaded'));
    return results.at(-1) === 'hit';
  });
  process.stdout.write(`the cache is used again after ${Math.round(performance.now() - healedAt)} ms\n`);
});

it('a change that Redis could not be told of is made up for, before it is acknowledged if need be', async () => {
  const writer = open();
  const reader = open({ url: server.url });
  await inUse(reader, 'old');
  await inUse(writer, 'old');
  // Only this one has lost Redis, and not for long.
  proxy.reset();
  await waitFor(() => writer.redis.status !== 'ready');
  let source = 'old';
  await writer.cache.change('1', async () => {
    source = 'new';
  });
  expect(await reader.cache.getOrLoad('1', () => Promise.resolve(source))).toBe('new');
});

it('with Redis killed, a change is not undone by what Redis has kept', async () => {
  const writer = open();
  const reader = open();
  await inUse(reader, 'old');
  await inUse(writer, 'old');
  await server.kill();
  await waitFor(() => writer.redis.status !== 'ready');
  const changing = writer.cache.change('1', () => Promise.resolve());
  expect(await writer.cache.getOrLoad('1', load('new'))).toBe('new');
  await server.restart();
  await changing;
  for (const { cache } of [reader, writer]) expect(await cache.getOrLoad('1', load('new'))).toBe('new');
});

it('does not believe what another life of the server has left', async () => {
  const opened = open();
  await inUse(opened, 'old');
  const left = (await opened.redis.getBuffer(keyOf('1'))) as Buffer;
  await opened.cache.change('1', () => Promise.resolve());
  await server.restart();
  await waitFor(() => opened.redis.status === 'ready');
  // As on a replica that has taken over before it had heard of the change.
  await opened.redis.set(keyOf('1'), left, 'PX', 60_000);
  expect(await opened.cache.getOrLoad('1', load('new'))).toBe('new');
  await inUse(opened, 'new');
  expect(await opened.cache.getOrLoad('1', never)).toBe('new');
});

it('tells Redis of changes while the breaker keeps everything else from it', async () => {
  const breaker: { refusal: Error | undefined } = { refusal: undefined };
  const writer = open({ guard: { refusal: () => breaker.refusal, failed: () => undefined } });
  const reader = open();
  await inUse(reader, 'old');
  await inUse(writer, 'old');
  breaker.refusal = new Error('open');
  await writer.cache.change('1', () => Promise.resolve());
  expect(await reader.cache.getOrLoad('1', load('new'))).toBe('new');
  expect(await writer.cache.getOrLoad('1', load('newer'))).toBe('newer');
  expect(writer.results.at(-1)).toBe('error');
});

it('does not let everybody run to the source when Redis is gone', async () => {
  const opened = open({ loads: { atOnce: 4, waiting: 2_000 } });
  await inUse(opened, 'old');
  await proxy.refuse();
  await waitFor(() => opened.redis.status !== 'ready');
  let running = 0;
  let most = 0;
  let loads = 0;
  const slowly = async () => {
    running += 1;
    loads += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    return 'loaded';
  };
  const reads = Array.from({ length: 1_000 }, (_, index) =>
    opened.cache.getOrLoad(`key ${index % 20}`, slowly),
  );
  expect(new Set(await Promise.all(reads))).toEqual(new Set(['loaded']));
  expect(most).toBe(4);
  // One for each key, and one for whoever came while that was under way.
  expect(loads).toBeLessThanOrEqual(40);
});

it('counts what Redis throws out', async () => {
  const small = await startRedisServer();
  const redis = createRedis({ url: small.url });
  const evictions = watchEvictions(redis);
  expect(await evictions()).toBe(0);
  const used = Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
  await redis.config('SET', 'maxmemory', used + 2_000_000);
  await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
  for (let i = 0; i < 60; i += 1) await redis.set(`key ${i}`, 'x'.repeat(100_000));
  const first = await evictions();
  expect(first).toBeGreaterThan(0);
  expect(await evictions()).toBe(0);
  await closeRedis(redis);
  await expect(evictions()).rejects.toThrow();
  await small.stop();
});
