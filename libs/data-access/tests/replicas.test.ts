import {
  createTestDatabase,
  createTestRedis,
  startPostgresReplica,
  startPostgresServer,
  waitFor,
  type OwnServer,
  type TestDatabase,
  type TestRedis,
} from '@rostrum/testing';
import {
  closeRedis,
  createDatabase,
  createRedis,
  ReadAfterWrite,
  redisMarkStore,
  withClient,
  type Commit,
  type Database,
  type DatabaseOptions,
  type MarkStore,
  type Queryable,
  type ReadEvent,
  type Redis,
  type ReplicaChange,
} from '../src';
import { thingsMigrations } from './things';

const unavailable = { code: 'POSTGRES_UNAVAILABLE', status: 503 };

let primary: OwnServer;
let replicas: [OwnServer, OwnServer];
let own: TestDatabase;
let changes: ReplicaChange[];
let reads: ReadEvent[];
const opened: Database[] = [];

beforeAll(async () => {
  primary = await startPostgresServer();
  own = await createTestDatabase('alpha', thingsMigrations, { adminUrl: primary.url });
  replicas = await Promise.all([startPostgresReplica(primary), startPostgresReplica(primary)]);
}, 60_000);

beforeEach(() => {
  changes = [];
  reads = [];
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((database) => database.close(100)));
  await resumeReplay();
  await withClient(own.adminUrl, (admin) => admin.query('truncate alpha.things'));
});

afterAll(async () => {
  await Promise.all([primary, ...replicas].map((server) => server.stop()));
});

/** The same login and database on another server. */
const at = (server: OwnServer, url = own.url) =>
  Object.assign(new URL(url), { host: new URL(server.url).host }).href;
const nameOf = (server: OwnServer) => new URL(server.url).host;

function create(options: Partial<DatabaseOptions> = {}): Database {
  const database = createDatabase({
    url: own.url,
    max: 4,
    replicaUrls: replicas.map((replica) => at(replica)),
    replicaLimits: { checkEveryMs: 30, checkTimeoutMs: 5_000, maxLagMs: 400 },
    hooks: { onReplicaChange: (change) => changes.push(change), onRead: (event) => reads.push(event) },
    ...options,
  });
  opened.push(database);
  return database;
}

async function open(options: Partial<DatabaseOptions> = {}): Promise<Database> {
  const database = create(options);
  await whenUsable(database, 2);
  return database;
}

const usable = (database: Database) => database.replicaStats().filter((replica) => replica.usable);
const whenUsable = (database: Database, count: number) =>
  waitFor(() => usable(database).length === count, { what: `${count} usable replicas`, timeoutMs: 15_000 });

const onReplicas = (text: string) =>
  Promise.all(replicas.map((replica) => withClient(at(replica, own.adminUrl), (admin) => admin.query(text))));
const pauseReplay = () => onReplicas('select pg_wal_replay_pause()');
const resumeReplay = () => onReplicas('select pg_wal_replay_resume() where pg_is_wal_replay_paused()');

/** Whatever was written before is on both replicas. */
async function caughtUp(): Promise<void> {
  const lsn = await withClient(own.adminUrl, async (admin) => {
    const { rows } = await admin.query<{ lsn: string }>('select pg_current_wal_flush_lsn()::text as lsn');
    return rows[0]?.lsn;
  });
  const check = `select bool_and(pg_last_wal_replay_lsn() >= '${lsn}') as done`;
  await waitFor(async () =>
    (await onReplicas(check)).every(({ rows }) => (rows[0] as { done: boolean }).done),
  );
}

async function write(database: Database, name: string): Promise<Commit> {
  const committed = Promise.withResolvers<Commit>();
  await database.transaction(async (trx) => {
    trx.onCommit(committed.resolve);
    await trx.query('things.add', 'insert into things (name) values ($1)', [name]);
  });
  return committed.promise;
}

const namesBy = async (reader: Queryable) =>
  (await reader.query<{ name: string }>('things.list', 'select name from things order by name')).rows.map(
    ({ name }) => name,
  );

it('reads from replicas by turns, and says where from', async () => {
  const database = await open();
  await write(database, 'a');
  await caughtUp();
  await waitFor(async () => {
    expect(await namesBy(database.reader())).toEqual(['a']);
    return replicas.every((replica) => reads.some(({ from }) => from === nameOf(replica)));
  });
  const built = database.knex('things').select('name');
  expect((await database.reader().run('things.built', built)).rows).toEqual([{ name: 'a' }]);
});

it('reads from the primary what would have to wait for a replica', async () => {
  const database = create({ max: 1, replicaUrls: [at(replicas[0])] });
  await whenUsable(database, 1);
  const caller = new AbortController();
  const slow = database.reader().query('slow', 'select pg_sleep(60)', [], { signal: caller.signal });
  await waitFor(() => database.replicaStats()[0]?.active === 1);
  await namesBy(database.reader());
  expect(reads).toEqual([{ from: 'primary', instead: false }]);
  caller.abort(new Error('gone'));
  await expect(slow).rejects.toThrow('gone');
});

it('whoever has written reads it at once, others within the bound, and replicas come back when they have caught up', async () => {
  const database = await open();
  await write(database, 'before');
  await caughtUp();
  await pauseReplay();
  const { mark } = await write(database, 'after');
  expect(await namesBy(database.reader(mark))).toEqual(['after', 'before']);
  expect(await namesBy(database.reader('primary'))).toEqual(['after', 'before']);
  expect(reads.map(({ from }) => from)).toEqual(['primary', 'primary']);
  await whenUsable(database, 0);
  expect(database.replicaStats().map(({ reason }) => reason)).toEqual([
    expect.stringMatching(/^it lags \d/),
    expect.stringMatching(/^it lags \d/),
  ]);
  expect(await namesBy(database.reader())).toEqual(['after', 'before']);
  await resumeReplay();
  await whenUsable(database, 2);
  expect(await namesBy(database.reader(mark))).toEqual(['after', 'before']);
  expect(replicas.map(nameOf)).toContain(reads.at(-1)?.from);
  // At least once each: a machine that stands still for a moment lets them lag once more.
  const left = changes.filter((change) => !change.usable).map(({ name }) => name);
  expect(new Set(left)).toEqual(new Set(replicas.map(nameOf)));
});

it('a replica on which few bytes are missing is left out too, when that is what is asked for', async () => {
  const database = await open({
    replicaLimits: { checkEveryMs: 30, checkTimeoutMs: 5_000, maxLagMs: 600_000, maxLagBytes: 5_000 },
  });
  await pauseReplay();
  await database.query(
    'many',
    `insert into things (name) select md5(n::text) from generate_series(1, 500) n`,
  );
  await whenUsable(database, 0);
  expect(database.replicaStats()[0]?.reason).toMatch(/^it lags \d+ bytes$/);
});

it('that nobody writes does not make replicas old', async () => {
  const database = await open();
  const since = performance.now();
  await waitFor(() => performance.now() - since > 1_500, { what: 'more than the bound' });
  expect(usable(database)).toHaveLength(2);
});

it('a server that takes writes is no replica', async () => {
  const database = create({ replicaUrls: [own.url] });
  await waitFor(() => database.replicaStats()[0]?.reason === 'it is no standby');
  expect(await namesBy(database.reader())).toEqual([]);
  expect(reads).toEqual([{ from: 'primary', instead: false }]);
});

describe('reads go on', () => {
  /** Reads again and again, four at a time, until told to stop. */
  function readAlways(database: Database) {
    let stopped = false;
    let slowestMs = 0;
    const counts = [0, 0, 0, 0];
    const readers = counts.map(async (_, reader) => {
      while (!stopped) {
        const started = performance.now();
        await namesBy(database.reader());
        slowestMs = Math.max(slowestMs, performance.now() - started);
        counts[reader] = (counts[reader] ?? 0) + 1;
      }
    });
    return {
      /** How often each has read. */
      counts: () => [...counts],
      async stop() {
        stopped = true;
        await Promise.all(readers);
        return slowestMs;
      },
    };
  }

  const left = (server: OwnServer) => () =>
    changes.some(({ name, usable: isUsable }) => name === nameOf(server) && !isUsable);

  it.each([
    ['killed', (server: OwnServer) => server.kill(), (server: OwnServer) => server.restart()],
    ['frozen', (server: OwnServer) => server.pause(), (server: OwnServer) => server.resume()],
  ])('while a replica is %s, and from it again afterwards', async (_what, hurt, heal) => {
    const [first] = replicas;
    const database = await open({
      replicaLimits: { checkEveryMs: 30, checkTimeoutMs: 500, maxLagMs: 5_000 },
    });
    const reading = readAlways(database);
    await waitFor(() => new Set(reads.map(({ from }) => from)).size === 2, { what: 'reads from both' });
    await hurt(first);
    await waitFor(left(first), { what: 'that it is left out' });
    reads = [];
    const before = reading.counts();
    const all = () => reading.counts().every((count, reader) => count > (before[reader] ?? 0) + 20);
    await waitFor(all, { what: 'reads from the other by everybody' });
    expect(reads.filter(({ from, instead }) => from === nameOf(first) && !instead)).toEqual([]);
    await heal(first);
    await whenUsable(database, 2);
    await waitFor(() => reads.some(({ from }) => from === nameOf(first)), { what: 'reads from it' });
    const slowestMs = await reading.stop();
    const count = reading.counts().reduce((sum, each) => sum + each);
    process.stdout.write(
      `replica ${_what}: ${count} reads, none failed, the slowest took ${slowestMs.toFixed(0)} ms\n`,
    );
  });

  it('also for those who wait for a connection that a frozen replica will never let in', async () => {
    const [first] = replicas;
    const database = await open({
      replicaLimits: { checkEveryMs: 30, checkTimeoutMs: 500, maxLagMs: 5_000 },
    });
    // Nobody has read yet: each of these needs a connection of its own.
    await first.pause();
    const answers = await Promise.all(Array.from({ length: 8 }, () => namesBy(database.reader())));
    expect(answers).toEqual(answers.map(() => []));
    await first.resume();
    await whenUsable(database, 2);
  });

  it('and whoever finds a replica gone keeps the others from it', async () => {
    const [first] = replicas;
    const database = await open({
      replicaLimits: { checkEveryMs: 3_000, checkTimeoutMs: 5_000, maxLagMs: 60_000 },
    });
    await first.kill();
    for (let count = 0; count < 12; count += 1) await namesBy(database.reader());
    expect(reads.filter(({ instead }) => instead).length).toBeLessThanOrEqual(1);
    await first.restart();
    await whenUsable(database, 2);
  });

  it('while the primary is gone, but for those who must see all', async () => {
    const database = await open({ acquireTimeoutMs: 1_000 });
    await write(database, 'a');
    await caughtUp();
    await primary.kill();
    await expect(write(database, 'b')).rejects.toMatchObject(unavailable);
    const since = performance.now();
    await waitFor(() => performance.now() - since > 1_000, { what: 'more than the bound' });
    expect(await namesBy(database.reader())).toEqual(['a']);
    await expect(namesBy(database.reader('primary'))).rejects.toMatchObject(unavailable);
    await primary.restart();
    await waitFor(() => write(database, 'c'), { what: 'a write' });
    await caughtUp();
    await whenUsable(database, 2);
  });

  it('when a standby ends a read to go on replaying', async () => {
    const [replica] = replicas;
    const settle = (value: string) =>
      withClient(at(replica, own.adminUrl), async (admin) => {
        await admin.query(`alter system set max_standby_streaming_delay = ${value}`);
        await admin.query('select pg_reload_conf()');
      });
    await settle('0');
    const database = create({ replicaUrls: [at(replica)] });
    await write(database, 'a');
    await caughtUp();
    await whenUsable(database, 1);
    const reading = database.reader().query('slow', 'select pg_sleep(1), name from things');
    const running = `select from pg_stat_activity where query like 'select pg_sleep(1)%' and state = 'active'`;
    await waitFor(async () =>
      withClient(at(replica, own.adminUrl), async (admin) => (await admin.query(running)).rowCount === 1),
    );
    await withClient(own.adminUrl, (admin) => admin.query('truncate alpha.things'));
    expect((await reading).rows).toEqual([]);
    expect(reads).toEqual([{ from: 'primary', instead: true }]);
    expect(usable(database)).toHaveLength(1);
    await settle('default');
  });
});

describe('read after write, over several instances', () => {
  let redisServer: TestRedis;
  let redis: Redis;

  beforeAll(async () => {
    redisServer = await createTestRedis();
    redis = createRedis({ url: redisServer.url });
  });

  afterAll(async () => {
    await closeRedis(redis);
    await redisServer.close();
  });

  const keyOf = (subject: string) => `wrote:${subject}`;

  const instance = async (store: MarkStore, pinMs?: number) => {
    const database = await open({
      replicaLimits: { checkEveryMs: 30, checkTimeoutMs: 5_000, maxLagMs: 600_000 },
    });
    return { database, marks: new ReadAfterWrite({ database, store, ...(pinMs && { pinMs }) }) };
  };

  const writeAs = (user: string, { database, marks }: Awaited<ReturnType<typeof instance>>, name: string) =>
    database.transaction(async (trx) => {
      trx.onCommit((commit) => marks.wrote(user, commit));
      await trx.query('things.add', 'insert into things (name) values ($1)', [name]);
    });

  it('whoever wrote through one reads it through another, while others read from replicas', async () => {
    const store = redisMarkStore(redis, keyOf);
    const [one, two] = await Promise.all([instance(store), instance(store)]);
    await pauseReplay();
    await writeAs('ada', one, 'by ada');
    expect(await namesBy(await two.marks.readerFor('ada'))).toEqual(['by ada']);
    expect(await namesBy(await one.marks.readerFor('ada'))).toEqual(['by ada']);
    expect(reads.map(({ from }) => from)).toEqual(['primary', 'primary']);
    expect(await namesBy(await two.marks.readerFor('bob'))).toEqual([]);
    expect(await namesBy(await two.marks.readerFor())).toEqual([]);
    await resumeReplay();
    await caughtUp();
    await waitFor(async () => {
      expect(await namesBy(await two.marks.readerFor('ada'))).toEqual(['by ada']);
      return reads.at(-1)?.from !== 'primary';
    });
  });

  it('of two writes of one subject the later counts, in whichever order they are told', async () => {
    const store = redisMarkStore(redis, keyOf);
    const [one, two] = await Promise.all([instance(store), instance(store)]);
    const early = await write(one.database, 'early');
    await caughtUp();
    await pauseReplay();
    const late = await write(one.database, 'late');
    await one.marks.wrote('eve', late);
    await two.marks.wrote('eve', early);
    expect(await namesBy(await two.marks.readerFor('eve'))).toEqual(['early', 'late']);
    await store.put('eve', 'primary', 60_000);
    expect(await store.get('eve')).toBe('primary');
  });

  it('is remembered for as long as was asked for', async () => {
    const store = redisMarkStore(redis, keyOf);
    const one = await instance(store, 300);
    await writeAs('tim', one, 'by tim');
    expect(await redis.pttl(keyOf('tim'))).toBeLessThanOrEqual(300);
    await waitFor(async () => (await redis.exists(keyOf('tim'))) === 0);
    await pauseReplay();
    await write(one.database, 'by others');
    await waitFor(async () => {
      const names = await namesBy(await one.marks.readerFor('tim'));
      return names.join() === 'by tim';
    });
  });

  it('reads from the primary when it cannot be known who has written', async () => {
    const onStoreError = jest.fn();
    const broken: MarkStore = {
      put: () => Promise.reject(new Error('no Redis')),
      get: () => Promise.reject(new Error('no Redis')),
    };
    const { database } = await instance(broken);
    const marks = new ReadAfterWrite({ database, store: broken, onStoreError });
    await pauseReplay();
    await writeAs('ada', { database, marks }, 'by ada');
    expect(await namesBy(await marks.readerFor('ada'))).toEqual(['by ada']);
    expect(await namesBy(await marks.readerFor('bob'))).toEqual(['by ada']);
    expect(onStoreError).toHaveBeenCalledWith(new Error('no Redis'));
  });
});
