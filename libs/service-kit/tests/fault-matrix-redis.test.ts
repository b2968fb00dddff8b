import path from 'node:path';
import {
  createTestDatabase,
  startFaultProxy,
  startNatsServer,
  startRedisSentinel,
  startRedisServer,
  type FaultProxy,
  type OwnServer,
  type RedisSentinelSet,
  type TestDatabase,
} from '@rostrum/testing';
import { Redis } from 'ioredis';
import { endure, faults, type Expected, type Fault, type Hurting } from './fault-matrix/fault-matrix';
import { startNotesService, type NotesService } from './fault-matrix/notes-service';
import { faultsOf } from './fault-matrix/server-faults';

const ok = [200] as const;
const done = [201] as const;
const untouched: Expected = { cached: ok, stored: ok, write: done };
const openDatabase = () => createTestDatabase('posts', path.join(__dirname, 'fault-matrix/migrations'));

describe('one Redis, and NATS as the bus', () => {
  let database: TestDatabase;
  let redis: OwnServer;
  let nats: OwnServer;
  let proxies: { redis: FaultProxy; nats: FaultProxy };
  let service: NotesService;

  beforeAll(async () => {
    [database, redis, nats] = await Promise.all([openDatabase(), startRedisServer(), startNatsServer()]);
    proxies = {
      redis: await startFaultProxy({ target: redis.url }),
      nats: await startFaultProxy({ target: nats.url }),
    };
    service = await startNotesService({
      DATABASE_URL: database.url,
      REDIS_URL: proxies.redis.urlFor(redis.url),
      EVENT_BUS: 'nats',
      NATS_URL: proxies.nats.urlFor(nats.url),
    });
  }, 90_000);

  afterAll(async () => {
    await service?.stop();
    await Promise.all([proxies?.redis.close(), proxies?.nats.close()]);
    await Promise.all([redis?.stop(), nats?.stop(), database?.drop()]);
  }, 60_000);

  it.each(faults)(
    'Redis %s: reads come from PostgreSQL, within 300 ms when it is paused',
    async (fault) => {
      const hurting = faultsOf(redis, proxies.redis)[fault];
      const expected = { ...untouched, ...(fault === 'paused' && { cachedP99: 300 }) };
      await endure(`Redis ${fault}`, { service, adminUrl: database.adminUrl }, { hurting, expected });
    },
    180_000,
  );

  it.each(faults)(
    'the bus %s: events wait, nobody else does',
    async (fault) => {
      const hurting = faultsOf(nats, proxies.nats)[fault];
      await endure(
        `bus ${fault}`,
        { service, adminUrl: database.adminUrl },
        { hurting, expected: untouched },
      );
    },
    240_000,
  );
});

describe('a Redis that sentinels watch, which is the bus too', () => {
  let database: TestDatabase;
  let group: RedisSentinelSet;
  let service: NotesService;

  beforeAll(async () => {
    [database, group] = await Promise.all([openDatabase(), startRedisSentinel()]);
    service = await startNotesService({
      DATABASE_URL: database.url,
      REDIS_SENTINELS: group.sentinels.map(({ host, port }) => `${host}:${port}`).join(','),
      REDIS_MASTER_NAME: group.masterName,
    });
  }, 90_000);

  afterAll(async () => {
    await service?.stop();
    await Promise.all([group?.stop(), database?.drop()]);
  }, 60_000);

  it.each(faults)(
    'its master %s: reads come from PostgreSQL until another is master',
    async (fault) => {
      const hurting = (await faultsOfMaster(group))[fault];
      await endure(
        `Sentinel master ${fault}`,
        { service, adminUrl: database.adminUrl },
        { hurting, expected: untouched },
      );
    },
    240_000,
  );
});

/** Clients learn the master's address from the sentinels and go there themselves: no proxy can stand between. */
async function faultsOfMaster(group: RedisSentinelSet): Promise<Record<Fault, Hurting>> {
  const master = await group.master();
  const back = { heal: () => group.start(master) };
  const order = async (...command: [string, ...string[]]) => {
    const client = new Redis({
      host: master.host,
      port: master.port,
      lazyConnect: true,
      retryStrategy: null,
    });
    client.on('error', () => undefined);
    await client.connect();
    await client.call(...command);
    client.disconnect();
  };
  const nothing = () => undefined;
  return {
    refused: { hurt: () => group.kill(master), ...back },
    killed: { hurt: () => group.kill(master), ...back },
    paused: { hurt: () => group.pause(master), heal: () => group.resume(master) },
    slow: { hurt: () => order('CLIENT', 'PAUSE', '2000', 'ALL'), heal: nothing },
    reset: {
      hurt: () => order('CLIENT', 'KILL', 'TYPE', 'normal'),
      during: () => order('CLIENT', 'KILL', 'TYPE', 'normal'),
      heal: nothing,
    },
    // Never to answer on its connections again, even when it is back.
    halfOpen: {
      hurt: () => group.pause(master),
      heal: async () => {
        await group.kill(master);
        await group.start(master);
      },
    },
  };
}
