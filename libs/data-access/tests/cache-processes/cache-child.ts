import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'pg';
import { createCache, type Cache } from '../../src/redis/cache/cache';
import type { CacheResult } from '../../src/redis/cache/cache-options';
import { createRedis } from '../../src/redis/redis';
import type { Operation, Order, Traffic } from './messages';

/** A process with a cache over Redis and PostgreSQL, as a service has it. Does what its parent says. */
const [redisUrl = '', databaseUrl = '', commandTimeoutMs] = process.argv.slice(2);
const redis = createRedis({
  url: redisUrl,
  ...(commandTimeoutMs && { commandTimeoutMs: Number(commandTimeoutMs) }),
});
const pool = new Pool({ connectionString: databaseUrl, max: 8 });
pool.on('error', () => undefined);
const cache = createCache({
  redis,
  service: 'tests',
  name: 'things',
  // Some of what is read is past its time.
  policy: { ttlSeconds: 1, absentSeconds: 1, staleWhileRevalidateSeconds: 1, staleIfErrorSeconds: 60 },
});
/** The same, but nothing ends while a test runs, and a process on a busy machine is not soon taken for dead. */
let lastResult: CacheResult | undefined;
const lasting = createCache({
  redis,
  service: 'tests',
  name: 'lasting',
  policy: 'post',
  leaseMs: 3_000,
  hooks: { onRead: (result) => (lastResult = result) },
});

const orders: Record<Order['do'], (order: Order) => Promise<unknown>> = {
  read: async ({ key = '', times = 1, loadMs = 0 }) => {
    const load = async () => {
      await pool.query('update things set size = size + 1 where name = $1', [key]);
      await delay(loadMs);
      return 'loaded';
    };
    const reads = Array.from({ length: times }, () => lasting.getOrLoad(key, load));
    return new Set(await Promise.all(reads)).size;
  },
  version: async ({ key = '' }) => [await read(lasting, key, noPause), lastResult],
  write: ({ key = '' }) => write(lasting, key, noPause),
  traffic: ({ traffic }) => (traffic ? keepBusy(traffic) : Promise.resolve([])),
};

/** Reads and writes in a random order, with pauses in the worst places, and says what came of each. */
async function keepBusy({ keys, seed, forMs, actors }: Traffic): Promise<Operation[]> {
  const random = randomFrom(seed);
  const history: Operation[] = [];
  const endAt = performance.now() + forMs;
  const pause = () => delay(random() < 0.3 ? random() * 20 : 0);
  const act = async () => {
    while (performance.now() < endAt) {
      const key = keys[Math.floor(random() * keys.length)] ?? '';
      const kind = random() < 0.2 ? 'write' : 'read';
      const startedAt = now();
      const work = kind === 'write' ? write(cache, key, pause) : read(cache, key, pause);
      const version = await work.catch(() => undefined);
      history.push({ kind, key, startedAt, endedAt: now(), ...(version !== undefined && { version }) });
      await delay(random() * 3);
    }
  };
  await Promise.all(Array.from({ length: actors }, act));
  return history;
}

type Pause = () => Promise<unknown>;
const noPause: Pause = () => Promise.resolve();

const read = (from: Cache, key: string, pause: Pause) =>
  from.getOrLoad(key, async () => {
    await pause();
    const { rows } = await pool.query<{ size: number }>('select size from things where name = $1', [key]);
    await pause();
    return rows[0]?.size;
  });

const write = (to: Cache, key: string, pause: Pause) =>
  to.change(key, async () => {
    await pause();
    const { rows } = await pool.query<{ size: number }>(
      'update things set size = size + 1 where name = $1 returning size',
      [key],
    );
    await pause();
    return rows[0]?.size;
  });

/** The same clock in all processes of the machine. */
const now = () => Number(process.hrtime.bigint() / 1_000n) / 1_000;

/** Mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

process.on('message', (order: Order) => {
  orders[order.do](order).then(
    (result) => process.send?.({ id: order.id, result }),
    (error: unknown) => process.send?.({ id: order.id, error: String(error) }),
  );
});
process.once('disconnect', () => process.exit(0));
redis.once('ready', () => process.send?.({ id: 0 }));
