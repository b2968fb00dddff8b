import { AsyncLocalStorage } from 'node:async_hooks';
import { createTestDatabase, createTestRedis, startFaultProxy, waitFor } from '@rostrum/testing';
import { closeRedis, createDatabase, createRedis, pingRedis, whenRedisReady, type StoreGuard } from '../src';
import { thingsMigrations } from './things';

/** A guard that a test opens and shuts. */
class Switch implements StoreGuard {
  shut = false;
  readonly failures: unknown[] = [];
  readonly since: number[] = [];

  refusal(): Error | undefined {
    return this.shut ? new Error('shut') : undefined;
  }

  failed(error: unknown, startedAt: number): void {
    this.failures.push(error);
    this.since.push(startedAt);
  }
}

const cleanUp: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const action of cleanUp.splice(0).reverse()) await action();
});

describe('PostgreSQL behind a guard', () => {
  async function open(options: { max?: number; through?: boolean } = {}) {
    const own = await createTestDatabase('alpha', thingsMigrations);
    cleanUp.push(() => own.drop());
    const proxy = await startFaultProxy({ target: own.url });
    cleanUp.push(() => proxy.close());
    const guard = new Switch();
    const database = createDatabase({
      url: proxy.urlFor(own.url),
      max: options.max ?? 4,
      acquireTimeoutMs: 700,
      queryTimeoutMs: 1_200,
      queryGraceMs: 200,
      guard,
    });
    cleanUp.push(() => database.close());
    return { database, guard, proxy };
  }

  it('is asked nothing while the guard says no, however it is asked, but whether it lives', async () => {
    const { database, guard } = await open();
    await database.query('one', 'select 1');
    guard.shut = true;
    await expect(database.query('one', 'select 1')).rejects.toThrow('shut');
    await expect(database.run('one', database.knex.select(1))).rejects.toThrow('shut');
    await expect(database.transaction((trx) => trx.query('one', 'select 1'))).rejects.toThrow('shut');
    await expect(database.knex.raw('select 1')).rejects.toThrow('shut');
    await database.ping();
    expect(guard.failures).toEqual([]);
    guard.shut = false;
    expect((await database.query('as one', 'select 1 as one')).rows).toEqual([{ one: 1 }]);
  });

  it('is not blamed for what its callers do wrong, give up or ask too slowly', async () => {
    const { database, guard } = await open({ max: 1 });
    await expect(database.query('wrong', 'select nothing from nowhere')).rejects.toThrow();
    await expect(
      database.transaction((trx) =>
        trx.query('twice', "insert into things (name) values ('a'), (null)").catch(() => undefined),
      ),
    ).rejects.toThrow();
    await expect(database.query('slow', 'select pg_sleep(5)')).rejects.toMatchObject({ status: 503 });
    const caller = new AbortController();
    const given = database.query('given up', 'select pg_sleep(5)', [], { signal: caller.signal });
    caller.abort(new Error('gone'));
    await expect(given).rejects.toThrow('gone');
    // Nor for that its callers want more connections than they may have.
    const holding = database.query('hold', 'select pg_sleep(1)');
    await expect(database.query('waits', 'select 1')).rejects.toMatchObject({ status: 503 });
    await holding;
    expect(guard.failures).toEqual([]);
  });

  it('is blamed for each connection that it loses or does not give', async () => {
    const { database, guard, proxy } = await open();
    await database.query('one', 'select 1');
    const before = performance.now();
    const cut = database.query('slow', 'select pg_sleep(0.2)');
    proxy.reset();
    await expect(cut).rejects.toMatchObject({ status: 503 });
    await proxy.refuse();
    await expect(database.query('one', 'select 1')).rejects.toMatchObject({ status: 503 });
    await expect(database.transaction((trx) => trx.query('one', 'select 1'))).rejects.toMatchObject({
      status: 503,
    });
    const { length } = guard.failures;
    expect(length).toBeGreaterThanOrEqual(3);
    expect(guard.since.every((at) => at >= before && at <= performance.now())).toBe(true);
    await expect(database.ping()).rejects.toMatchObject({ status: 503 });
    expect(guard.failures).toHaveLength(length);
  });
});

it('what follows a commit runs in the context that asked for it', async () => {
  const own = await createTestDatabase('alpha', thingsMigrations);
  const database = createDatabase({ url: own.url });
  cleanUp.push(
    () => own.drop(),
    () => database.close(),
  );
  const request = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  await request.run('the batch', () =>
    database.transaction(async (trx) => {
      for (const name of ['the first event', 'the second event'])
        await request.run(name, async () => trx.onCommit(() => seen.push(request.getStore())));
    }),
  );
  expect(seen).toEqual(['the first event', 'the second event']);
});

describe('Redis behind a guard', () => {
  async function open() {
    const own = await createTestRedis();
    cleanUp.push(() => own.close());
    const proxy = await startFaultProxy({ target: own.url });
    cleanUp.push(() => proxy.close());
    const guard = new Switch();
    const redis = createRedis({ url: proxy.urlFor(own.url), guard });
    cleanUp.push(() => closeRedis(redis));
    expect(await whenRedisReady(redis)).toBe(true);
    return { redis, guard, proxy };
  }

  it('is asked nothing while the guard says no, however it is asked, but whether it lives', async () => {
    const { redis, guard } = await open();
    guard.shut = true;
    await expect(redis.get('key')).rejects.toThrow('shut');
    await expect(redis.mget('a', 'b')).rejects.toThrow('shut');
    await expect(redis.eval('return 1', 0)).rejects.toThrow('shut');
    const together = [redis.set('key', '1'), pingRedis(redis), redis.get('key')];
    const outcomes = (await Promise.allSettled(together)).map(({ status }) => status);
    expect(outcomes).toEqual(['rejected', 'fulfilled', 'rejected']);
    const results = await redis.pipeline().get('key').set('key', '2').exec();
    expect(results?.map(([error]) => error?.message)).toEqual(['shut', 'shut']);
    guard.shut = false;
    expect(await redis.get('key')).toBeNull();
    expect(guard.failures).toEqual([]);
  });

  it('is not blamed for what its callers do wrong', async () => {
    const { redis, guard } = await open();
    await redis.set('text', 'a');
    await expect(redis.incr('text')).rejects.toThrow('not an integer');
    await expect(redis.evalsha('0'.repeat(40), 0)).rejects.toThrow('NOSCRIPT');
    expect(guard.failures).toEqual([]);
  });

  it('is blamed for every command that it does not answer, and connects again while the guard says no', async () => {
    const { redis, guard, proxy } = await open();
    proxy.pause();
    const before = performance.now();
    await Promise.all([1, 2, 3].map(() => expect(redis.get('key')).rejects.toThrow()));
    expect(guard.failures).toHaveLength(3);
    expect(guard.since.every((at) => at >= before && at <= performance.now())).toBe(true);
    guard.shut = true;
    proxy.reset();
    await proxy.heal();
    await waitFor(() => pingRedis(redis).then(() => true), { what: 'a connection' });
    guard.shut = false;
    expect(await redis.get('key')).toBeNull();
  });
});
