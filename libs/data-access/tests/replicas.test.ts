import { createTestRedis, waitFor, type TestRedis } from '@rostrum/testing';
import { closeRedis, createRedis, ReadAfterWrite, redisMarkStore, type MarkStore, type Redis } from '../src';
import { nameOf, namesBy, replicaScene, usable, whenUsable, write } from './replica-scene';

const scene = replicaScene();

it('reads from replicas by turns, and says where from', async () => {
  const database = await scene.open();
  await write(database, 'a');
  await scene.caughtUp();
  await waitFor(async () => {
    expect(await namesBy(database.reader())).toEqual(['a']);
    return scene.replicas.every((replica) => scene.reads.some(({ from }) => from === nameOf(replica)));
  });
  const built = database.knex('things').select('name');
  expect((await database.reader().run('things.built', built)).rows).toEqual([{ name: 'a' }]);
});

it('reads from the primary what would have to wait for a replica', async () => {
  const database = scene.create({ max: 1, replicaUrls: [scene.at(scene.replicas[0])] });
  await whenUsable(database, 1);
  const caller = new AbortController();
  const slow = database.reader().query('slow', 'select pg_sleep(60)', [], { signal: caller.signal });
  await waitFor(() => database.replicaStats()[0]?.active === 1);
  await namesBy(database.reader());
  expect(scene.reads).toEqual([{ from: 'primary', instead: false }]);
  caller.abort(new Error('gone'));
  await expect(slow).rejects.toThrow('gone');
});

it('whoever has written reads it at once, others within the bound, and replicas come back when they have caught up', async () => {
  const database = await scene.open();
  await write(database, 'before');
  await scene.caughtUp();
  await scene.pauseReplay();
  const { mark } = await write(database, 'after');
  expect(await namesBy(database.reader(mark))).toEqual(['after', 'before']);
  expect(await namesBy(database.reader('primary'))).toEqual(['after', 'before']);
  expect(scene.reads.map(({ from }) => from)).toEqual(['primary', 'primary']);
  await whenUsable(database, 0);
  expect(database.replicaStats().map(({ reason }) => reason)).toEqual([
    expect.stringMatching(/^it lags \d/),
    expect.stringMatching(/^it lags \d/),
  ]);
  expect(await namesBy(database.reader())).toEqual(['after', 'before']);
  await scene.resumeReplay();
  await whenUsable(database, 2);
  expect(await namesBy(database.reader(mark))).toEqual(['after', 'before']);
  expect(scene.replicas.map(nameOf)).toContain(scene.reads.at(-1)?.from);
  // At least once each: a machine that stands still for a moment lets them lag once more.
  const left = scene.changes.filter((change) => !change.usable).map(({ name }) => name);
  expect(new Set(left)).toEqual(new Set(scene.replicas.map(nameOf)));
});

it('a replica on which few bytes are missing is left out too, when that is what is asked for', async () => {
  const database = await scene.open({
    replicaLimits: { checkEveryMs: 30, checkTimeoutMs: 5_000, maxLagMs: 600_000, maxLagBytes: 5_000 },
  });
  await scene.pauseReplay();
  await database.query(
    'many',
    `insert into things (name) select md5(n::text) from generate_series(1, 500) n`,
  );
  await whenUsable(database, 0);
  expect(database.replicaStats()[0]?.reason).toMatch(/^it lags \d+ bytes$/);
});

it('that nobody writes does not make replicas old', async () => {
  const database = await scene.open();
  const since = performance.now();
  await waitFor(() => performance.now() - since > 1_500, { what: 'more than the bound' });
  expect(usable(database)).toHaveLength(2);
});

it('a server that takes writes is no replica', async () => {
  const database = scene.create({ replicaUrls: [scene.own.url] });
  await waitFor(() => database.replicaStats()[0]?.reason === 'it is no standby');
  expect(await namesBy(database.reader())).toEqual([]);
  expect(scene.reads).toEqual([{ from: 'primary', instead: false }]);
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
    const database = await scene.open({
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
    await scene.pauseReplay();
    await writeAs('ada', one, 'by ada');
    expect(await namesBy(await two.marks.readerFor('ada'))).toEqual(['by ada']);
    expect(await namesBy(await one.marks.readerFor('ada'))).toEqual(['by ada']);
    expect(scene.reads.map(({ from }) => from)).toEqual(['primary', 'primary']);
    expect(await namesBy(await two.marks.readerFor('bob'))).toEqual([]);
    expect(await namesBy(await two.marks.readerFor())).toEqual([]);
    await scene.resumeReplay();
    await scene.caughtUp();
    await waitFor(async () => {
      expect(await namesBy(await two.marks.readerFor('ada'))).toEqual(['by ada']);
      return scene.reads.at(-1)?.from !== 'primary';
    });
  });

  it('of two writes of one subject the later counts, in whichever order they are told', async () => {
    const store = redisMarkStore(redis, keyOf);
    const [one, two] = await Promise.all([instance(store), instance(store)]);
    const early = await write(one.database, 'early');
    await scene.caughtUp();
    await scene.pauseReplay();
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
    await scene.pauseReplay();
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
    await scene.pauseReplay();
    await writeAs('ada', { database, marks }, 'by ada');
    expect(await namesBy(await marks.readerFor('ada'))).toEqual(['by ada']);
    expect(await namesBy(await marks.readerFor('bob'))).toEqual(['by ada']);
    expect(onStoreError).toHaveBeenCalledWith(new Error('no Redis'));
  });
});
