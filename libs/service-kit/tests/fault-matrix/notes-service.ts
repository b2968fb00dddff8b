import { databaseSettings, eventSettings, readConfig, redisSettings, type Config } from '@rostrum/config';
import { defineEvent, defineRoute } from '@rostrum/contracts';
import { createOutbox } from '@rostrum/data-access';
import { problems } from '@rostrum/errors';
import type { RostrumLogger } from '@rostrum/observability';
import { recordingLogger } from '@rostrum/testing';
import { z } from 'zod';
import {
  consumeEvents,
  createEventPublisher,
  createKit,
  createService,
  onEvent,
  openCache,
  openEventBus,
  openStores,
  relayEvents,
  type RouteBinder,
} from '../../src/index';
import { kitSpec, opsToken, testEnvironment } from '../test-service';

const spec = { ...kitSpec, ...databaseSettings, ...redisSettings, ...eventSettings };
type NotesConfig = Config<typeof spec>;

const note = z.strictObject({ id: z.string(), text: z.string() });
const written = defineEvent('note.written', 1, z.strictObject({ id: z.string() }));
const common = { tags: ['notes'], summary: 'A route of the tests', auth: 'none' } as const;
const params = z.strictObject({ id: z.string() });
const found = { 200: { description: 'The note', schema: note } };

const readCached = defineRoute({
  ...common,
  method: 'get',
  path: '/api/v1/notes/:id',
  operationId: 'readCachedNote',
  params,
  responses: found,
});
const readStored = defineRoute({
  ...common,
  method: 'get',
  path: '/api/v1/stored-notes/:id',
  operationId: 'readStoredNote',
  params,
  responses: found,
});
const write = defineRoute({
  ...common,
  method: 'put',
  path: '/api/v1/notes/:id',
  operationId: 'writeNote',
  params,
  responses: { 201: { description: 'Written', schema: note } },
});

const selectNote = 'select id, text from notes where id = $1';

/** A service with all that one has: a cached read, a read from a replica, a write that is published. */
function createNotesService(config: NotesConfig, logger: RostrumLogger) {
  const kit = createKit({ service: 'posts', role: 'main' }, config, { logger });
  const { postgres, redis, reads, shared } = openStores(kit, config, { redis: 'degradable' });
  const { database } = postgres;
  const cache = openCache(kit, redis.redis, { name: 'note', policy: 'post' });
  const publisher = createEventPublisher(createOutbox({ database, schema: 'posts' }));
  const load = async (id: string) =>
    (await database.query<z.infer<typeof note>>('note', selectNote, [id])).rows[0];
  const routes = (binder: RouteBinder) => {
    binder.bind(readCached, async ({ params: { id } }) => {
      const body = await cache.getOrLoad(id, () => load(id));
      if (!body) throw problems.notFound('note');
      return { status: 200, body };
    });
    binder.bind(readStored, async ({ params: { id } }) => {
      const reader = await reads.readerFor();
      const [body] = (await reader.query<z.infer<typeof note>>('note', selectNote, [id])).rows;
      if (!body) throw problems.notFound('note');
      return { status: 200, body };
    });
    binder.bind(write, async ({ params: { id } }) => {
      const body = { id, text: `about ${id}` };
      await cache.change(id, () =>
        database.transaction(async (trx) => {
          await trx.query('write-note', 'insert into notes values ($1, $2)', [id, body.text]);
          await publisher.publish(trx, written, { key: id, payload: { id } });
        }),
      );
      return { status: 201, body };
    });
  };
  return createService(kit, { ...shared, routes });
}

/** The process beside it, which publishes what was written and takes note of what was published. */
function createNotesWorker(config: NotesConfig, logger: RostrumLogger) {
  const kit = createKit({ service: 'posts', role: 'worker' }, config, { logger });
  const { postgres, redis, shared } = openStores(kit, config, { redis: 'degradable' });
  const events = openEventBus(kit, config, redis);
  const stores = { database: postgres.database, events };
  const takeNote = onEvent(written, async ({ id }, { trx }) => {
    await trx.query('see-note', 'insert into seen_notes values ($1)', [id]);
  });
  return createService(kit, {
    ...shared,
    work: [relayEvents(kit, stores), consumeEvents(kit, stores, { posts: [takeNote] })],
    resources: [events.resource, ...shared.resources],
  });
}

export interface NotesService {
  readonly url: string;
  isReady(): Promise<boolean>;
  /** Reads that were answered from the cache in Redis. */
  cacheHits(): Promise<number>;
  stop(): Promise<void>;
}

export async function startNotesService(environment: Record<string, string>): Promise<NotesService> {
  const config = readConfig(spec, {
    ...testEnvironment,
    DATABASE_MAX_CONNECTIONS: '5',
    DATABASE_MIN_IDLE: '1',
    DATABASE_QUERY_TIMEOUT_MS: '3000',
    ...environment,
  });
  // What a fault makes a service say is not looked at here.
  const log = recordingLogger({ service: 'posts' });
  const running = [createNotesService(config, log.lent), createNotesWorker(config, log.lent)] as const;
  const [{ port, opsPort }] = await Promise.all([running[0].start(), running[1].start()]);
  const opsUrl = `http://127.0.0.1:${opsPort}`;
  return {
    url: `http://127.0.0.1:${port}`,
    isReady: async () =>
      (await fetch(`${opsUrl}/readyz`, { headers: { authorization: `Bearer ${opsToken}` } })).ok,
    cacheHits: async () => {
      const metrics = await (await fetch(`${opsUrl}/metrics`)).text();
      return Number(/^cache_requests_total\{[^}]*result="hit"[^}]*\} (\d+)/m.exec(metrics)?.[1]);
    },
    async stop() {
      await Promise.all(running.map((service) => service.stop('the tests are over')));
      await log.close();
    },
  };
}
