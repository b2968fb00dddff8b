import { AsyncLocalStorage } from 'node:async_hooks';
import { startFaultProxy, waitFor } from '@rostrum/testing';
import { withClient, type Database, type Leak } from '../src';
import { backend, poolScene } from './pool-scene';

const scene = poolScene();

const endAllBackends = () =>
  withClient(scene.own.adminUrl, (admin) =>
    admin.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()`,
    ),
  );

/** Takes every connection there may be, and gives them back when told to. */
async function hold(database: Database): Promise<() => Promise<unknown>> {
  const released = Promise.withResolvers<void>();
  const { max } = database.stats();
  const holders = Array.from({ length: max }, () =>
    database.transaction(async (trx) => {
      await trx.query('one', 'select 1');
      await released.promise;
    }),
  );
  await waitFor(() => database.stats().active === max);
  return () => {
    released.resolve();
    return Promise.all(holders);
  };
}

describe('warm connections', () => {
  it('are there before anybody asks, and again when they were lost', async () => {
    const onPoolError = jest.fn();
    const database = scene.open({ max: 5, minIdle: 3, hooks: { onPoolError } });
    await waitFor(() => database.stats().idle === 3, { what: 'three connections' });
    const before = await backend(database);
    await endAllBackends();
    await waitFor(() => onPoolError.mock.calls.length >= 3);
    await waitFor(() => database.stats().idle === 3, { what: 'three new connections' });
    expect(await backend(database)).not.toBe(before);
    expect(database.stats()).toEqual({ max: 5, total: 3, active: 0, idle: 3, waiting: 0 });
  });

  it('come by themselves when the database was not there at first', async () => {
    await scene.proxy.refuse();
    const database = scene.openThroughProxy({ minIdle: 2 });
    await expect(database.query('one', 'select 1')).rejects.toMatchObject({ status: 503 });
    await scene.proxy.heal();
    await waitFor(() => database.stats().idle === 2, { what: 'two connections' });
  });
});

describe('connections', () => {
  it('are closed when they are not needed any more, down to those kept warm', async () => {
    const database = scene.open({ max: 4, minIdle: 1, idleTimeoutMs: 60, acquireTimeoutMs: 1_000 });
    const release = await hold(database);
    await release();
    await waitFor(() => database.stats().total === 1, { what: 'one connection' });
    const kept = await backend(database);
    const since = performance.now();
    await waitFor(() => performance.now() - since > 300, { what: 'more than the limit' });
    expect(await backend(database)).toBe(kept);
  });

  it('are replaced when they are old, also when they are never idle, and nobody notices', async () => {
    const database = scene.open({ max: 1, maxLifetimeMs: 100, acquireTimeoutMs: 10_000 });
    const seen = new Set<number | undefined>();
    const always = async () => {
      while (seen.size < 4) seen.add(await backend(database));
    };
    await Promise.all([always(), always(), always()]);
    expect(database.stats().total).toBeLessThanOrEqual(1);
  });

  it('whose other end is gone without a word are found while nobody uses them', async () => {
    const database = scene.openThroughProxy({ max: 2, idleCheckMs: 50, minIdle: 0 });
    await (
      await hold(database)
    )();
    await waitFor(() => database.stats().idle === 2, { what: 'both to be idle' });
    scene.proxy.halfOpen();
    await waitFor(() => database.stats().total === 0, { what: 'the loss of both' });
    await scene.proxy.heal();
    await database.query('one', 'select 1');
  });

  it('are opened a few at a time, however many callers come at once', async () => {
    const unanswered = await startFaultProxy({ target: scene.own.url });
    const database = scene.open({ url: unanswered.urlFor(scene.own.url), max: 50, acquireTimeoutMs: 400 });
    unanswered.pause();
    const outcomes = Promise.allSettled(Array.from({ length: 50 }, () => database.query('one', 'select 1')));
    await waitFor(() => unanswered.connections() >= 8);
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, unanswered.connections())), 5);
    expect((await outcomes).every(({ status }) => status === 'rejected')).toBe(true);
    clearInterval(watch);
    await unanswered.close();
    expect(most).toBeLessThanOrEqual(8);
    expect(database.stats()).toMatchObject({ waiting: 0, total: 0 });
  });
});

describe('whoever waits for a connection', () => {
  it('is served in the order of coming, but for those who have left', async () => {
    const database = scene.open({ max: 1 });
    const release = await hold(database);
    const order: string[] = [];
    const leaver = new AbortController();
    const ask = (name: string, signal?: AbortSignal) =>
      database.query(name, 'select 1', [], { signal }).then(() => order.push(name));
    const first = ask('first');
    const left = ask('left', leaver.signal);
    const others = [ask('second'), ask('third')];
    expect(database.stats().waiting).toBe(4);
    leaver.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    expect(database.stats().waiting).toBe(3);
    await Promise.all([release(), first, ...others]);
    expect(order).toEqual(['first', 'second', 'third']);
  });

  it('is not turned away because this process itself stood still', async () => {
    const database = scene.open({ max: 1, acquireTimeoutMs: 1_000, queryTimeoutMs: 5_000 });
    await backend(database);
    const answers = Promise.all([1, 2, 3].map(() => backend(database)));
    await Promise.resolve();
    expect(database.stats().waiting).toBe(2);
    const end = performance.now() + 1_800;
    while (performance.now() < end);
    expect((await answers).length).toBe(3);
  });
});

describe('a connection that is not given back', () => {
  it('is told of once, with the place that took it; one that is given back is not', async () => {
    const leaks: Leak[] = [];
    const database = scene.open({ max: 2, leakAfterMs: 300, hooks: { onLeak: (leak) => leaks.push(leak) } });
    const toldOf = (name: string) => leaks.filter(({ stack }) => stack.includes(name)).length;
    async function careful() {
      await database.transaction((trx) => trx.query('one', 'select 1'));
    }
    const end = Promise.withResolvers<void>();
    async function forgetful() {
      await database.transaction(() => end.promise);
    }
    await waitFor(async () => {
      const started = performance.now();
      await careful();
      return performance.now() - started < 200;
    });
    const before = toldOf('careful');
    const forgotten = forgetful();
    await waitFor(() => toldOf('forgetful') > 0, { what: 'the report' });
    await database.query('slow', 'select pg_sleep(0.5)');
    expect(toldOf('forgetful')).toBe(1);
    expect(leaks.every(({ seconds }) => seconds >= 0.3)).toBe(true);
    expect(toldOf('careful')).toBe(before);
    end.resolve();
    await forgotten;
  });

  it('does not take a place for ever once the server has ended it', async () => {
    const database = scene.open({ max: 1, acquireTimeoutMs: 5_000 });
    const end = Promise.withResolvers<void>();
    const forgotten = database.transaction(
      async (trx) => {
        await trx.query('limit', `select set_config('idle_in_transaction_session_timeout', '50', true)`);
        await end.promise;
      },
      { retries: 0 },
    );
    expect(await backend(database)).toBeGreaterThan(0);
    end.resolve();
    await expect(forgotten).rejects.toMatchObject({ status: 503 });
    expect(await backend(database)).toBeGreaterThan(0);
    expect(database.stats()).toMatchObject({ total: 1, idle: 1 });
  });
});

it('leaves a server that takes no writes any more, as one that was the primary does', async () => {
  const takesWrites = (whether: boolean) =>
    withClient(scene.own.adminUrl, (admin) =>
      admin.query(
        `alter role rostrum_alpha in database ${scene.own.name} set default_transaction_read_only = ${whether ? 'off' : 'on'}`,
      ),
    );
  const add = `insert into things (name) values ('a')`;
  const unavailable = { code: 'POSTGRES_UNAVAILABLE', status: 503 };
  const database = scene.open({ max: 1 });
  await takesWrites(false);
  await expect(database.query('things.add', add)).rejects.toMatchObject(unavailable);
  expect(database.stats().total).toBe(0);
  const work = database.transaction((trx) => trx.query('things.add', add));
  await expect(work).rejects.toMatchObject(unavailable);
  expect(database.stats().total).toBe(0);
  await takesWrites(true);
  await database.query('things.add', add);
});

it('tells of slow statements, in the context of whoever asked', async () => {
  const request = new AsyncLocalStorage<string>();
  const slow: unknown[] = [];
  const hooks = {
    onSlowQuery: ({ operation, seconds }: { operation: string; seconds: number }) => {
      if (operation.startsWith('sleeps')) slow.push([operation, request.getStore(), seconds >= 0.1]);
    },
  };
  const database = scene.open({ max: 1, slowQueryMs: 80, hooks });
  await Promise.all([
    request.run('one', () => database.query('sleeps', 'select pg_sleep(0.1)')),
    request.run('two', () => database.transaction((trx) => trx.query('sleeps too', 'select pg_sleep(0.1)'))),
  ]);
  await scene.open({ slowQueryMs: 60_000, hooks }).query('sleeps within the limit', 'select pg_sleep(0.1)');
  expect(slow).toEqual([
    ['sleeps', 'one', true],
    ['sleeps too', 'two', true],
  ]);
});
