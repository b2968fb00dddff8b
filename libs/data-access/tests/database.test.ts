import { waitFor } from '@rostrum/testing';
import { withClient, type QueryEvent } from '../src';
import { describeRoutes } from './routes';

describeRoutes('PostgreSQL, reached %s:', (on) => {
  const add = 'insert into things (name) values ($1)';

  /** Statements of the test's role that run on the server now. */
  async function running(text: string): Promise<number> {
    return withClient(on.route.own.adminUrl, async (admin) => {
      const { rows } = await admin.query<{ count: number }>(
        `select count(*)::int as count from pg_stat_activity where query = $1 and state = 'active'`,
        [text],
      );
      return rows[0]?.count ?? 0;
    });
  }
  describe('query', () => {
    it('prepares a statement once per connection, unless a pooler lends it connections by turns', async () => {
      const database = on.route.open({ max: 1 });
      await database.query('things.add', add, ['a']);
      await database.query('things.add', add, ['b']);
      const { rows } = await database.query<{ name: string; generic: string }>(
        'prepared',
        `select name, (generic_plans + custom_plans)::text as generic from pg_prepared_statements where name = 'things.add'`,
      );
      expect(rows).toEqual(on.route.pooled ? [] : [{ name: 'things.add', generic: '2' }]);
    });

    it('hands on what the server says of a bad statement, and the connection lives', async () => {
      const database = on.route.open({ max: 1 });
      await database.query('things.add', add, ['a']);
      const again = database.query('things.add', add, ['a']);
      await expect(again).rejects.toMatchObject({ code: '23505', constraint: 'things_name_key' });
      expect((await database.query('one', 'select 1 as one')).rows).toEqual([{ one: 1 }]);
      expect(database.stats()).toMatchObject({ total: 1, idle: 1, waiting: 0 });
    });

    it('tells each statement’s outcome under its name', async () => {
      const events: QueryEvent[] = [];
      const database = on.route.open({
        queryTimeoutMs: 500,
        hooks: { onQuery: (event) => events.push(event) },
      });
      await database.query('fine', 'select 1');
      await expect(database.query('wrong', 'select 1 / 0')).rejects.toThrow();
      await expect(database.query('slow', 'select pg_sleep(5)')).rejects.toThrow();
      await expect(database.query('gone', 'select pg_terminate_backend(pg_backend_pid())')).rejects.toThrow();
      expect(events.map(({ operation, outcome }) => [operation, outcome])).toEqual([
        ['fine', 'ok'],
        ['wrong', 'error'],
        ['slow', 'timeout'],
        ['gone', 'unavailable'],
      ]);
      expect(events.every(({ seconds }) => seconds > 0 && seconds < 5)).toBe(true);
    });

    it('ends a statement on the server at the time limit and answers 503', async () => {
      const database = on.route.open({ max: 1, queryTimeoutMs: 150 });
      await expect(database.query('slow', 'select pg_sleep(30)')).rejects.toMatchObject({
        code: 'POSTGRES_UNAVAILABLE',
        status: 503,
      });
      expect(await running('select pg_sleep(30)')).toBe(0);
    });

    it('runs what knex has built', async () => {
      const database = on.route.open();
      const built = database.knex('things').insert({ name: 'a', size: 7 }).returning(['name', 'size']);
      expect((await database.run('things.add', built)).rows).toEqual([{ name: 'a', size: 7 }]);
    });
  });

  describe('cancelling', () => {
    it('answers at once, ends the statement on the server and keeps the connection', async () => {
      const events: QueryEvent[] = [];
      const database = on.route.open({ max: 1, hooks: { onQuery: (event) => events.push(event) } });
      await database.query('warm', 'select 1');
      const caller = new AbortController();
      const sleep = 'select pg_sleep(25)';
      const query = database.query('slow', sleep, [], { signal: caller.signal });
      await waitFor(async () => (await running(sleep)) === 1);
      caller.abort(new Error('gone'));
      await expect(query).rejects.toThrow('gone');
      await waitFor(() => database.stats().idle === 1);
      expect(await running(sleep)).toBe(0);
      expect(events.at(-1)).toMatchObject({ operation: 'slow', outcome: 'cancelled' });
      expect((await database.query('one', 'select 1 as one')).rows).toEqual([{ one: 1 }]);
      expect(database.stats().total).toBe(1);
    });

    it('sends nothing for a caller who is gone already', async () => {
      const database = on.route.open();
      const signal = AbortSignal.abort(new Error('gone'));
      await expect(database.query('things.add', add, ['a'], { signal })).rejects.toThrow('gone');
      await expect(database.transaction(() => Promise.resolve(), { signal })).rejects.toThrow('gone');
      expect(database.stats().total).toBe(0);
    });

    it('undoes a transaction that is aborted', async () => {
      const database = on.route.open({ max: 1 });
      const caller = new AbortController();
      const sleep = 'select pg_sleep(24)';
      const work = database.transaction(
        async (trx) => {
          await trx.query('things.add', add, ['a']);
          await trx.query('slow', sleep);
        },
        { signal: caller.signal },
      );
      await waitFor(async () => (await running(sleep)) === 1);
      caller.abort(new Error('gone'));
      await expect(work).rejects.toThrow('gone');
      expect((await database.query('list', 'select name from things')).rows).toEqual([]);
    });
  });

  describe('the pool', () => {
    it('tells a caller who has waited too long that the database is unavailable', async () => {
      const database = on.route.open({ max: 1, acquireTimeoutMs: 1_000 });
      const held = Promise.withResolvers<void>();
      const holder = database.transaction(async (trx) => {
        await trx.query('one', 'select 1');
        await held.promise;
      });
      await waitFor(() => database.stats().active === 1);
      await Promise.all([
        expect(database.query('late', 'select 1')).rejects.toMatchObject({ status: 503 }),
        expect(database.knex.raw('select 1')).rejects.toMatchObject({ status: 503 }),
      ]);
      held.resolve();
      await holder;
      await database.query('in time', 'select 1');
    });

    it('is one for statements, transactions and knex', async () => {
      const database = on.route.open({ max: 1 });
      await database.query('one', 'select 1');
      await database.knex('things').insert({ name: 'a' });
      await database.knex.transaction((trx) => trx('things').update({ size: 3 }));
      await database.transaction((trx) => trx.query('one', 'select 1'));
      expect(await database.knex('things').select('name', 'size')).toEqual([{ name: 'a', size: 3 }]);
      expect(database.stats()).toMatchObject({ total: 1, idle: 1, waiting: 0 });
    });

    it('serves knex with the same limits and names', async () => {
      const events: QueryEvent[] = [];
      const database = on.route.open({
        queryTimeoutMs: 500,
        hooks: { onQuery: (event) => events.push(event) },
      });
      await expect(database.knex.raw('select pg_sleep(5)')).rejects.toMatchObject({ status: 503 });
      await database.knex('things').select('name').options({ operation: 'things.list' });
      expect(events.map(({ operation, outcome }) => [operation, outcome])).toEqual([
        ['knex', 'timeout'],
        ['things.list', 'ok'],
      ]);
    });

    it('counts as well while all its connections are busy with work that succeeds', async () => {
      const database = on.route.open({ max: 1 });
      await database.transaction(async (trx) => {
        await trx.query('one', 'select 1');
        await database.ping();
      });
    });

    it('waits for busy connections when it is closed, and cuts those that take too long', async () => {
      const patient = on.route.open({ max: 1 });
      const query = patient.query('short', 'select pg_sleep(0.2)');
      await waitFor(() => patient.stats().total === 1);
      expect(await patient.close(5_000)).toBe(0);
      await query;
      await expect(patient.query('late', 'select 1')).rejects.toMatchObject({ status: 503 });

      const hasty = on.route.open({ max: 1 });
      const sleep = 'select pg_sleep(23)';
      const stuck = expect(hasty.query('long', sleep)).rejects.toMatchObject({ status: 503 });
      await waitFor(async () => (await running(sleep)) === 1);
      expect(await hasty.close(50)).toBe(1);
      await stuck;
    });
  });

  describe('listen', () => {
    it('hears notifications, and makes a new connection when its own is lost', async () => {
      const database = on.route.open();
      const heard = jest.fn();
      const listener = database.listen('news', heard);
      await waitFor(() => heard.mock.calls.length === 1, { what: 'the first connection' });
      await database.query('notify', `select pg_notify('news', 'one')`);
      await waitFor(() => heard.mock.calls.some(([payload]) => payload === 'one'));
      await withClient(on.route.own.adminUrl, (admin) =>
        admin.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and application_name like '%listener'`,
        ),
      );
      const before = heard.mock.calls.length;
      await waitFor(() => heard.mock.calls.length > before, { what: 'the second connection' });
      await database.query('notify', `select pg_notify('news', 'one')`);
      await waitFor(() => heard.mock.calls.filter(([payload]) => payload === 'one').length === 2);
      await listener.stop();
    });
  });
});
