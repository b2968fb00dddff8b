import { startFaultProxy, waitFor, type FaultProxy } from '@rostrum/testing';
import {
  RetryBudget,
  withClient,
  type Database,
  type DatabaseOptions,
  type RetryEvent,
  type Transaction,
} from '../src';
import { routes, type Route } from './routes';

describe.each(routes)('PostgreSQL, reached %s:', (_name, connect) => {
  let route: Route;
  let proxy: FaultProxy;
  let retries: RetryEvent[];

  beforeAll(async () => {
    route = await connect();
    proxy = await startFaultProxy({ target: route.url });
  });

  beforeEach(() => {
    retries = [];
  });

  afterEach(async () => {
    await route.closeAll();
    await proxy.heal();
    await withClient(route.own.adminUrl, (admin) => admin.query('truncate alpha.things'));
  });

  afterAll(async () => {
    await proxy.close();
    await route.end();
  });

  function open(options: Partial<DatabaseOptions> = {}): Database {
    const onRetry = (event: RetryEvent) => retries.push(event);
    return route.open({ retryBudget: new RetryBudget({ most: 1_000 }), hooks: { onRetry }, ...options });
  }

  const add = (trx: Pick<Transaction, 'query'>, name: string) =>
    trx.query('things.add', 'insert into things (name) values ($1)', [name]);

  const namesIn = async (database: Database) =>
    (await database.query<{ name: string }>('things.list', 'select name from things order by name')).rows.map(
      ({ name }) => name,
    );

  const endOwnBackend = (trx: Transaction) =>
    trx.query('end', 'select pg_terminate_backend(pg_backend_pid())');

  it('transactions that cannot be in any order are tried again until all have taken effect', async () => {
    const database = open({ max: 8 });
    await add(database, 'counter');
    const increment = async (trx: Transaction) => {
      const { rows } = await trx.query<{ size: number }>(
        'read',
        // Long enough for the others to have read the same.
        `select size from things, pg_sleep(0.05) where name = 'counter'`,
      );
      await trx.query('write', `update things set size = $1 where name = 'counter'`, [
        (rows[0]?.size ?? 0) + 1,
      ]);
    };
    const all = Array.from({ length: 12 }, () =>
      database.transaction(increment, { isolation: 'serializable', retries: 50, operation: 'increment' }),
    );
    await Promise.all(all);
    const { rows } = await database.query('size', `select size from things where name = 'counter'`);
    expect(rows).toEqual([{ size: 12 }]);
    expect(retries.length).toBeGreaterThan(0);
    expect(new Set(retries.map(({ operation, reason }) => `${operation}: ${reason}`))).toEqual(
      new Set(['increment: serialization']),
    );
  });

  it('of two transactions that wait for each other, the one that is sent away comes back', async () => {
    const database = open({ max: 2 });
    await add(database, 'a');
    await add(database, 'b');
    let arrived = 0;
    const both = Promise.withResolvers<void>();
    const lockBoth = (first: string, second: string) => async (trx: Transaction) => {
      await trx.query('lock', 'update things set size = size + 1 where name = $1', [first]);
      arrived += 1;
      if (arrived === 2) both.resolve();
      await both.promise;
      await trx.query('lock', 'update things set size = size + 1 where name = $1', [second]);
    };
    await Promise.all([database.transaction(lockBoth('a', 'b')), database.transaction(lockBoth('b', 'a'))]);
    const { rows } = await database.query('sizes', 'select size from things');
    expect(rows).toEqual([{ size: 2 }, { size: 2 }]);
    expect(retries).toEqual([{ operation: 'transaction', reason: 'deadlock', attempt: 1 }]);
  });

  it('a transaction whose connection is lost begins anew, and only what follows the one that stands is done', async () => {
    const database = open();
    const followed: number[] = [];
    let attempts = 0;
    const value = await database.transaction(async (trx) => {
      attempts += 1;
      const attempt = attempts;
      trx.onCommit(() => followed.push(attempt));
      await add(trx, `attempt ${attempt}`);
      if (attempt < 3) await endOwnBackend(trx);
      return attempt;
    });
    expect(value).toBe(3);
    expect(followed).toEqual([3]);
    expect(await namesIn(database)).toEqual(['attempt 3']);
    expect(retries.map(({ reason, attempt }) => [reason, attempt])).toEqual([
      ['connection', 1],
      ['connection', 2],
    ]);
  });

  it('a lost connection is not hidden by what a service makes of it', async () => {
    const database = open();
    let attempts = 0;
    await database.transaction(async (trx) => {
      attempts += 1;
      if (attempts > 1) return;
      await endOwnBackend(trx).catch((cause: unknown) => {
        throw new Error('no such thing', { cause });
      });
    });
    expect(attempts).toBe(2);
  });

  describe('is not tried again', () => {
    const countAttempts = async (
      database: Database,
      fail: (trx: Transaction) => Promise<unknown>,
      options = {},
    ) => {
      let attempts = 0;
      const work = database.transaction(async (trx) => {
        attempts += 1;
        await fail(trx);
      }, options);
      const error: unknown = await work.catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(Object);
      return attempts;
    };

    it('what the caller or the statement is to blame for', async () => {
      const database = open({ queryTimeoutMs: 200 });
      expect(await countAttempts(database, (trx) => trx.query('wrong', 'select 1 / 0'))).toBe(1);
      expect(await countAttempts(database, () => Promise.reject(new Error('no')))).toBe(1);
      expect(await countAttempts(database, (trx) => trx.query('slow', 'select pg_sleep(5)'))).toBe(1);
      expect(retries).toEqual([]);
    });

    it('what may not be, or no more', async () => {
      const database = open();
      expect(await countAttempts(database, endOwnBackend, { retries: 0 })).toBe(1);
      expect(await countAttempts(database, endOwnBackend, { retries: 3 })).toBe(4);
      expect(await countAttempts(open({ retries: 1 }), endOwnBackend)).toBe(2);
    });

    it('what the budget has nothing left for', async () => {
      const database = open({ retryBudget: new RetryBudget({ most: 2, share: 0, perSecond: 0 }) });
      const attempts = [];
      for (let calls = 0; calls < 3; calls += 1) attempts.push(await countAttempts(database, endOwnBackend));
      expect(attempts).toEqual([3, 1, 1]);
    });

    it('what a caller has given up', async () => {
      const caller = new AbortController();
      const gone = new Error('gone');
      const database = open({ hooks: { onRetry: () => caller.abort(gone) } });
      const work = database.transaction(endOwnBackend, { signal: caller.signal, retries: 5 });
      await expect(work).rejects.toBe(gone);
    });

    it('what may have been committed: the caller is told that nobody knows', async () => {
      const database = open({ url: proxy.urlFor(route.url), queryTimeoutMs: 5_000 });
      const followed = jest.fn();
      let attempts = 0;
      const work = database.transaction(async (trx) => {
        attempts += 1;
        trx.onCommit(followed);
        await add(trx, 'written');
        proxy.pause('toClient');
      });
      const outcome = expect(work).rejects.toMatchObject({ code: 'POSTGRES_OUTCOME_UNKNOWN', status: 503 });
      const direct = open();
      await waitFor(async () => (await namesIn(direct)).includes('written'), { what: 'the commit' });
      proxy.reset();
      await outcome;
      expect([attempts, followed.mock.calls.length, retries.length]).toEqual([1, 0, 0]);
    });
  });

  it('a commit that the server refuses is known not to have been made', async () => {
    const database = open();
    await withClient(route.own.ownerUrl, (owner) =>
      owner.query('alter table things add constraint late unique (size) deferrable initially deferred'),
    );
    try {
      const work = database.transaction(async (trx) => {
        await add(trx, 'a');
        await add(trx, 'b');
      });
      await expect(work).rejects.toMatchObject({ code: '23505', constraint: 'late' });
      expect(await namesIn(database)).toEqual([]);
    } finally {
      await withClient(route.own.ownerUrl, (owner) => owner.query('alter table things drop constraint late'));
    }
  });
});
