import {
  closeRedis,
  createCache,
  createDatabase,
  createGatheredRead,
  createRateLimits,
  createRedis,
  whenRedisReady,
  type Redis as OurRedis,
} from '@rostrum/data-access';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { bodyOf, idOf, readOne, readSome, type PostRow } from './posts';

/** Asks for the n-th post, and resolves when it has it. */
export type Ask = (n: number) => Promise<unknown>;

export interface Variant {
  ask: Ask;
  close: () => Promise<void>;
}

export interface Servers {
  postgresUrl: string;
  redisUrl: string;
}

/** As many as a service has by default: more than a few connections per core only wait for each other. */
const connections = 10;
const enough = 1_000_000_000;

/** Fails loudly where an answer is not the post: a benchmark of errors is quick. */
function checked(read: (n: number) => Promise<string | undefined>): Ask {
  return async (n) => {
    const id = await read(n);
    if (id !== idOf(n)) throw new Error(`Asked for ${idOf(n)}, got ${String(id)}`);
  };
}

const idIn = (body: Buffer | string | null | undefined) => body?.toString('latin1', 7, 43);

const variants: Record<string, (servers: Servers) => Promise<Variant>> = {
  'ioredis, GET': async ({ redisUrl }) => {
    const redis = new Redis(redisUrl);
    const ask = checked(async (n) => (await redis.get(`bare:${idOf(n)}`))?.slice(7, 43));
    return { ask, close: async () => void (await redis.quit()) };
  },
  'ioredis, GET, auto-pipelining': async ({ redisUrl }) => {
    const redis = new Redis(redisUrl, { enableAutoPipelining: true });
    const ask = checked(async (n) => (await redis.get(`bare:${idOf(n)}`))?.slice(7, 43));
    return { ask, close: async () => void (await redis.quit()) };
  },
  'cached read': async ({ redisUrl }) => {
    const redis = await openRedis(redisUrl);
    const cache = createCache({ redis, service: 'bench', name: 'posts', policy: 'post' });
    const ask = checked(async (n) =>
      idIn(await cache.getOrLoadBytes(idOf(n), () => Promise.resolve(bodyOf(n)))),
    );
    return { ask, close: () => closeRedis(redis) };
  },
  'limiter + cached read': async ({ redisUrl }) => {
    const redis = await openRedis(redisUrl);
    const cache = createCache({ redis, service: 'bench', name: 'posts', policy: 'post' });
    const limits = createRateLimits({ redis });
    const api = { name: 'bench', quota: enough, windowMs: 60_000 };
    const admitted = (n: number) =>
      new Promise<void>((resolve, reject) => {
        const onSilence = () => reject(new Error('Redis did not decide'));
        const onVerdict = (remaining: number) => (remaining < 0 ? onSilence() : resolve());
        if (!limits.ask(api, `u:${n % 1000}`, { onVerdict, onSilence })) onSilence();
      });
    const ask = checked(async (n) => {
      const verdict = admitted(n);
      const body = await cache.getOrLoadBytes(idOf(n), () => Promise.resolve(bodyOf(n)));
      await verdict;
      return idIn(body);
    });
    return { ask, close: () => closeRedis(redis) };
  },
  'pg, prepared': async ({ postgresUrl }) => {
    const pool = new Pool({ connectionString: postgresUrl, max: connections });
    const ask = checked(async (n) => {
      const { rows } = await pool.query<PostRow>({ name: 'one', text: readOne, values: [idOf(n)] });
      return rows[0]?.id;
    });
    return { ask, close: () => pool.end() };
  },
  'our pool': async ({ postgresUrl }) => {
    const database = openDatabase(postgresUrl);
    const ask = checked(
      async (n) => (await database.query<PostRow>('bench.one', readOne, [idOf(n)])).rows[0]?.id,
    );
    return { ask, close: async () => void (await database.close()) };
  },
  'our pool, reads gathered': async ({ postgresUrl }) => {
    const database = openDatabase(postgresUrl);
    const read = createGatheredRead<string, PostRow>({
      db: database,
      name: 'bench.some',
      text: readSome,
      keyOf: ({ id }) => id,
    });
    return {
      ask: checked(async (n) => (await read(idOf(n)))?.id),
      close: async () => void (await database.close()),
    };
  },
};

export function prepareVariant(name: string, servers: Servers): Promise<Variant> {
  const prepare = variants[name];
  if (!prepare) throw new Error(`There is no variant "${name}": ${Object.keys(variants).join(', ')}`);
  return prepare(servers);
}

/** With what a service has: metrics are counted, nothing is traced. */
function openDatabase(url: string) {
  let queries = 0;
  return createDatabase({
    url,
    max: connections,
    minIdle: connections,
    hooks: { onQuery: () => (queries += 1) },
  });
}

async function openRedis(url: string): Promise<OurRedis> {
  const redis = createRedis({ url, isTraced: () => false });
  await whenRedisReady(redis);
  return redis;
}
