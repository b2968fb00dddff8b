import { AsyncLocalStorage } from 'node:async_hooks';
import { createTestDatabase, createTestRedis, startRedisCluster, waitFor } from '@rostrum/testing';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import {
  closeRedis,
  createCache,
  createDatabase,
  createRedis,
  pingRedis,
  type RedisConnection,
} from '../src';
import { thingsMigrations } from './things';

/** Stands for what a tracer and a logger find their request by. */
const request = new AsyncLocalStorage<string>();
const requests = Array.from({ length: 20 }, (_, index) => `request ${index}`);

const cleanUp: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const action of cleanUp.splice(0).reverse()) await action();
});

it('asks PostgreSQL for each request in its own context, and tells of it there, however long it waited', async () => {
  const own = await createTestDatabase('alpha', thingsMigrations);
  cleanUp.push(() => own.drop());
  const sent: [unknown, unknown][] = [];
  const told: [unknown, unknown][] = [];
  const database = createDatabase({
    url: own.url,
    max: 2,
    hooks: { onQuery: ({ operation }) => told.push([operation, request.getStore()]) },
  });
  cleanUp.push(() => database.close());
  const ask = (name: string) =>
    request.run(name, async () => {
      await database.query(name, 'select 1');
      return request.getStore();
    });
  const spied = spyOnArguments(Client.prototype, 'query', ([statement]) =>
    sent.push([(statement as { name?: string }).name, request.getStore()]),
  );
  expect(await Promise.all(requests.map(ask))).toEqual(requests);
  spied.restore();
  expect(new Map(sent)).toEqual(new Map(requests.map((name) => [name, name])));
  expect(told).toHaveLength(requests.length);
  expect(told.every(([operation, store]) => operation === store)).toBe(true);
});

const places: [string, () => Promise<RedisConnection>][] = [
  [
    'a single Redis',
    async () => {
      const { url, close } = await createTestRedis();
      cleanUp.push(close);
      return { url };
    },
  ],
  [
    'a cluster',
    async () => {
      const { members, stop } = await startRedisCluster();
      cleanUp.push(stop);
      return { clusterNodes: members };
    },
  ],
];

it.each(places)(
  'loads what a cache over %s does not have for each request in its own context',
  async (_name, openPlace) => {
    const redis = createRedis({ ...(await openPlace()), isTraced: () => false });
    cleanUp.push(() => closeRedis(redis));
    const cache = createCache({ redis, service: 'tests', name: 'contexts', policy: 'post' });
    const loaded = new Map<string, unknown>();
    const read = (name: string) =>
      request.run(name, async () => {
        await cache.getOrLoad(name, async () => {
          loaded.set(name, request.getStore());
          return name;
        });
        return request.getStore();
      });
    expect(await Promise.all(requests.map(read))).toEqual(requests);
    expect(loaded).toEqual(new Map(requests.map((name) => [name, name])));
  },
);

describe.each(places)('commands that are gathered for %s', (_name, openPlace) => {
  async function contextsOf(isTraced?: () => boolean): Promise<[unknown, unknown][]> {
    const place = await openPlace();
    const sent: [unknown, unknown][] = [];
    const spied = spyOnArguments(Redis.prototype, 'sendCommand', ([command]) => {
      const { name, args } = command as { name: string; args: unknown[] };
      if (name === 'get') sent.push([args[0], request.getStore()]);
    });
    const redis = createRedis({ ...place, ...(isTraced && { isTraced }) });
    cleanUp.push(() => closeRedis(redis));
    await waitFor(() => pingRedis(redis).then(() => true));
    await Promise.all(requests.map((name) => request.run(name, () => redis.get(name))));
    spied.restore();
    return sent;
  }

  it('are each sent in the context they were given in', async () => {
    expect(new Map(await contextsOf())).toEqual(new Map(requests.map((name) => [name, name])));
  });

  it('are sent in no request’s context where theirs does not matter', async () => {
    const traced = requests[7];
    const sent = await contextsOf(() => request.getStore() === traced);
    const expected = requests.map((name) => [name, name === traced ? name : undefined] as const);
    expect(new Map(sent)).toEqual(new Map(expected));
  });
});

/** Looks at each call, as instrumentation does, and lets it through. */
function spyOnArguments<T extends object>(target: T, method: keyof T, look: (args: unknown[]) => void) {
  const original = target[method] as (...args: unknown[]) => unknown;
  const replacement = function (this: unknown, ...args: unknown[]) {
    look(args);
    return original.apply(this, args);
  };
  target[method] = replacement as T[keyof T];
  return { restore: () => (target[method] = original as T[keyof T]) };
}
