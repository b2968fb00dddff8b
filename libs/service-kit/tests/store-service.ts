import { databaseSettings, readConfig, redisSettings, type Config } from '@rostrum/config';
import { defineRoute } from '@rostrum/contracts';
import { isUniqueViolation, type Database, type Redis } from '@rostrum/data-access';
import { problems } from '@rostrum/errors';
import { recordingLogger, type RecordingLogger } from '@rostrum/testing';
import { z } from 'zod';
import {
  createKit,
  createService,
  openDatabase,
  openRedis,
  type RouteBinder,
  type Service,
} from '../src/index';
import { kitSpec, opsToken, testEnvironment } from './test-service';

const spec = { ...kitSpec, ...databaseSettings, ...redisSettings };
const route = { tags: ['test'], summary: 'A route of the tests', auth: 'none' } as const;
const answer = z.object({ value: z.string() });
const responses = { 200: { description: 'What was read', schema: answer } };

const readStored = defineRoute({
  ...route,
  method: 'get',
  path: '/api/v1/stored',
  operationId: 'readStored',
  responses,
});
const readCached = defineRoute({
  ...route,
  method: 'get',
  path: '/api/v1/cached',
  operationId: 'readCached',
  responses,
});
const doWrong = defineRoute({
  ...route,
  method: 'get',
  path: '/api/v1/wrong/:how',
  operationId: 'doWrong',
  params: z.strictObject({ how: z.enum(['unique', 'serialization', 'syntax']) }),
  responses,
});
const readSlowly = defineRoute({
  ...route,
  method: 'get',
  path: '/api/v1/slow/:how',
  operationId: 'readSlowly',
  params: z.strictObject({ how: z.enum(['query', 'transaction', 'deaf']) }),
  responses,
});

/** Names the slow statement in `pg_stat_activity`. */
export const slowStatement = 'select pg_sleep(60) as slow_statement_of_the_test';

interface Stores {
  database: Database;
  redis: Redis;
}

function bindRoutes(binder: RouteBinder, { database, redis }: Stores): void {
  const load = async () => {
    const { rows } = await database.query<{ value: string }>('load', `select 'from PostgreSQL' as value`);
    return rows[0] as { value: string };
  };
  binder.bind(readStored, async () => ({ status: 200, body: await load() }));
  binder.bind(readCached, async () => {
    const value = await redis.get('key').catch(() => null);
    return { status: 200, body: value === null ? await load() : { value } };
  });
  binder.bind(doWrong, async ({ params }) => {
    if (params.how === 'unique') await insertTwice(database);
    else if (params.how === 'serialization') await conflict(database);
    else await Promise.all([database.query('wrong', 'select wrong'), redis.call('nonsense')]);
    return { status: 200, body: { value: 'never' } };
  });
  binder.bind(readSlowly, async ({ params, signal }) => {
    if (params.how === 'query') await database.query('slow', slowStatement, [], { signal });
    else if (params.how === 'transaction')
      await database.transaction((trx) => trx.query('slow', slowStatement), { signal });
    else await database.query('deaf', 'select pg_sleep(0.8)');
    return { status: 200, body: { value: 'late' } };
  });
}

async function insertTwice(database: Database): Promise<void> {
  await database
    .transaction(async (trx) => {
      await trx.query('twice', 'create temporary table twice (id int primary key) on commit drop');
      await trx.query('insert', 'insert into twice values (1), (1)');
    })
    .catch((error: unknown) => {
      throw isUniqueViolation(error) ? problems.conflict('TWICE', 'It is there') : error;
    });
}

async function conflict(database: Database): Promise<void> {
  await database.query('conflict', `do $$ begin raise sqlstate '40001'; end $$`);
}

export interface StoreService {
  service: Service;
  log: RecordingLogger;
  url: string;
  opsUrl: string;
  get(path: string): Promise<{ status: number; body: Record<string, unknown>; headers: Headers }>;
  ops(path: string, init?: RequestInit): Promise<{ status: number; body: Record<string, never> }>;
  /** The value of a series: NaN where there is none. */
  metric(series: string): Promise<number>;
  stop(): Promise<void>;
}

/** A service over real stores, as the apps are. */
export async function startStoreService(environment: Record<string, string>): Promise<StoreService> {
  const log = recordingLogger({ service: 'posts' });
  const config: Config<typeof spec> = readConfig(spec, {
    ...testEnvironment,
    DATABASE_MAX_CONNECTIONS: '5',
    DATABASE_MIN_IDLE: '0',
    ...environment,
  });
  const kit = createKit({ service: 'posts', role: 'main' }, config, { logger: log.lent });
  const postgres = openDatabase(kit, config);
  const redis = openRedis(kit, config, 'degradable');
  const stores = { database: postgres.database, redis: redis.redis };
  const service = createService(kit, {
    dependencies: [postgres.dependency, redis.dependency],
    resources: [postgres.resource, redis.resource],
    routes: (binder) => bindRoutes(binder, stores),
  });
  const stop = async () => {
    await service.stop('the tests are over');
    await log.close();
  };
  const { port, opsPort } = await service.start().catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  const [url, opsUrl] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${opsPort}`];
  return {
    service,
    log,
    url,
    opsUrl,
    get: async (path) => {
      const response = await fetch(url + path);
      const body = (await response.json()) as Record<string, unknown>;
      return { status: response.status, body, headers: response.headers };
    },
    ops: async (path, init = {}) => {
      const headers = { authorization: `Bearer ${opsToken}`, ...(init.headers as Record<string, string>) };
      const response = await fetch(opsUrl + path, { ...init, headers });
      return { status: response.status, body: (await response.json()) as Record<string, never> };
    },
    metric: async (series) => valueOf(series, await (await fetch(`${opsUrl}/metrics`)).text()),
    stop,
  };
}

function valueOf(series: string, text: string): number {
  const name = series.replace(/\{.*/, '');
  const labels = [...series.matchAll(/\w+="[^"]*"/g)].map(([label]) => label);
  const line = text
    .split('\n')
    .find((each) => /^\w+/.exec(each)?.[0] === name && labels.every((label) => each.includes(label)));
  return line ? Number(line.split(' ').at(-1)) : Number.NaN;
}
