import path from 'node:path';
import {
  createTestDatabase,
  createTestRedis,
  startFaultProxy,
  startPostgresReplica,
  startPostgresServer,
  type FaultProxy,
  type OwnServer,
  type TestDatabase,
  type TestRedis,
} from '@rostrum/testing';
import { endure, faults, type Expected, type Fault } from './fault-matrix/fault-matrix';
import { startNotesService, type NotesService } from './fault-matrix/notes-service';
import { faultsOf } from './fault-matrix/server-faults';

let primary: OwnServer;
let replica: OwnServer;
let database: TestDatabase;
let redis: TestRedis;
let service: NotesService;
let proxies: { primary: FaultProxy; replica: FaultProxy };

beforeAll(async () => {
  primary = await startPostgresServer();
  database = await createTestDatabase('posts', path.join(__dirname, 'fault-matrix/migrations'), {
    adminUrl: primary.url,
  });
  replica = await startPostgresReplica(primary);
  redis = await createTestRedis();
  proxies = {
    primary: await startFaultProxy({ target: database.url }),
    replica: await startFaultProxy({ target: replica.url }),
  };
  const atReplica = Object.assign(new URL(database.url), { host: new URL(replica.url).host }).href;
  service = await startNotesService({
    DATABASE_URL: proxies.primary.urlFor(database.url),
    DATABASE_REPLICA_URLS: proxies.replica.urlFor(atReplica),
    REDIS_URL: redis.url,
  });
}, 90_000);

afterAll(async () => {
  await service?.stop();
  await Promise.all([proxies?.primary.close(), proxies?.replica.close(), redis?.close()]);
  await Promise.all([primary?.stop(), replica?.stop()]);
}, 60_000);

const ok = [200] as const;
const done = [201] as const;
const unavailable = [503] as const;
const either = [200, 503] as const;

/** What is cached is still read. What was read before from the replica may still be, as long as that is fresh. */
const postgres: Record<Fault, Expected> = {
  refused: { cached: ok, stored: either, write: unavailable },
  killed: { cached: ok, stored: either, write: unavailable },
  paused: { cached: ok, stored: either, write: unavailable },
  slow: { cached: ok, stored: either, write: [201, 503] },
  reset: { cached: ok, stored: either, write: [201, 503] },
  halfOpen: { cached: ok, stored: either, write: unavailable },
};

describe.each(faults)('PostgreSQL, %s', (fault) => {
  it('cached reads go on, writes are refused with a 503 or stand, and all comes back', async () => {
    const hurting = faultsOf(primary, proxies.primary)[fault];
    await endure(
      `PostgreSQL ${fault}`,
      { service, adminUrl: database.adminUrl },
      { hurting, expected: postgres[fault] },
    );
  }, 180_000);
});

describe.each(faults)('a replica, %s', (fault) => {
  it('nobody sees more of it than a slower answer', async () => {
    const hurting = faultsOf(replica, proxies.replica)[fault];
    const expected = { cached: ok, stored: ok, write: done };
    await endure(`replica ${fault}`, { service, adminUrl: database.adminUrl }, { hurting, expected });
  }, 180_000);
});
