import { randomUUID } from 'node:crypto';
import { waitFor } from '@rostrum/testing';
import fc from 'fast-check';
import {
  createGatheredRead,
  createGatheredWrite,
  withClient,
  type Database,
  type Queryable,
  type QueryEvent,
} from '../src';
import { routes, type Route } from './routes';

describe.each(routes)('PostgreSQL, reached %s:', (_name, connect) => {
  let route: Route;
  let database: Database;
  let events: QueryEvent[];

  beforeAll(async () => {
    route = await connect();
  });

  beforeEach(() => {
    events = [];
    database = route.open({ max: 4, hooks: { onQuery: (event) => events.push(event) } });
  });

  afterEach(async () => {
    await route.closeAll();
    await withClient(route.own.adminUrl, (admin) => admin.query('truncate alpha.things restart identity'));
  });

  afterAll(() => route.end());

  interface Thing {
    id: number;
    name: string;
  }

  const fill = (count: number) =>
    database.query('fill', `insert into things (name) select 'n' || n from generate_series(1, $1) n`, [
      count,
    ]);

  const createFind = (db: Queryable = database, most?: number) =>
    createGatheredRead<number, Thing>({
      db,
      name: 'things.find-many',
      text: 'select id, name from things where id = any($1::int[])',
      keyOf: ({ id }) => id,
      ...(most && { most }),
    });

  const statements = (name: string) => events.filter(({ operation }) => operation === name);

  describe('reads of one turn', () => {
    it('are one statement; each caller gets the row of their key, or nothing', async () => {
      await fill(3);
      const find = createFind();
      const found = await Promise.all([1, 2, 2, 3, 77].map((id) => find(id)));
      expect(found.map((thing) => thing?.name)).toEqual(['n1', 'n2', 'n2', 'n3', undefined]);
      expect(statements('things.find-many')).toHaveLength(1);
      await find(1);
      expect(statements('things.find-many')).toHaveLength(2);
    });

    it('are as many statements as their number asks for, whatever it is', async () => {
      await fill(20);
      const one = createFind();
      const seed = Date.now();
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.integer({ min: 1, max: 25 }), { maxLength: 60 }),
          fc.integer({ min: 1, max: 7 }),
          async (ids, most) => {
            events.length = 0;
            const find = createFind(database, most);
            const found = await Promise.all(ids.map((id) => find(id)));
            expect(found.map((thing) => thing?.id)).toEqual(ids.map((id) => (id <= 20 ? id : undefined)));
            expect(statements('things.find-many')).toHaveLength(Math.ceil(new Set(ids).size / most));
          },
        ),
        { seed, numRuns: 30 },
      );
      expect((await one(20))?.name).toBe('n20');
    });

    it('fail together when the statement does, and not for ever', async () => {
      const find = createGatheredRead<number, Thing>({
        db: database,
        name: 'things.wrong',
        text: 'select id, name from nothing where id = any($1::int[])',
        keyOf: ({ id }) => id,
      });
      const outcomes = await Promise.allSettled([find(1), find(2)]);
      expect(outcomes).toMatchObject([{ reason: { code: '42P01' } }, { reason: { code: '42P01' } }]);
      expect(statements('things.wrong')).toHaveLength(1);
    });

    it('do not fail for what another asked for', async () => {
      const id = randomUUID();
      const find = createGatheredRead<string, { id: string }>({
        db: database,
        name: 'uuids',
        text: 'select id::text as id from unnest($1::uuid[]) as id',
        keyOf: (row) => row.id,
      });
      const outcomes = await Promise.allSettled([find(id), find('no uuid')]);
      expect(outcomes).toMatchObject([{ value: { id } }, { reason: { code: '22P02' } }]);
    });
  });

  describe('a caller who goes away', () => {
    /** Statements of `createSlow` wait while this works. */
    const whileLocked = (work: () => Promise<unknown>) =>
      withClient(route.own.adminUrl, async (admin) => {
        await admin.query('select pg_advisory_lock(42)');
        await work();
      });
    const createSlow = () =>
      createGatheredRead<number, { id: number }>({
        db: database,
        name: 'slow',
        text: 'select id, pg_advisory_xact_lock_shared(42) from unnest($1::int[]) as id',
        keyOf: ({ id }) => id,
      });
    const running = () =>
      withClient(route.own.adminUrl, async (admin) => {
        const { rowCount } = await admin.query(
          `select from pg_stat_activity where query like 'select id, pg_advisory_xact_lock%' and wait_event_type = 'Lock'`,
        );
        return rowCount;
      });

    it('is answered at once, and the others get what they asked for', async () => {
      const find = createSlow();
      const caller = new AbortController();
      const other = new AbortController();
      const kept: ReturnType<typeof find>[] = [];
      await whileLocked(async () => {
        const given = find(1, { signal: caller.signal });
        kept.push(find(1, { signal: other.signal }), find(2));
        await waitFor(running);
        caller.abort(new Error('gone'));
        await expect(given).rejects.toThrow('gone');
      });
      expect((await Promise.all(kept)).map((row) => row?.id)).toEqual([1, 2]);
      expect(statements('slow')).toMatchObject([{ outcome: 'ok' }]);
      await expect(find(3, { signal: AbortSignal.abort(new Error('too late')) })).rejects.toThrow('too late');
    });

    it('is the last one: then the statement ends too', async () => {
      const find = createSlow();
      const callers = [new AbortController(), new AbortController()] as const;
      await whileLocked(async () => {
        const asked = callers.map(({ signal }) => find(1, { signal }));
        await waitFor(running);
        callers[0].abort(new Error('first'));
        await expect(asked[0]).rejects.toThrow('first');
        expect(await running()).toBe(1);
        callers[1].abort(new Error('second'));
        await expect(asked[1]).rejects.toThrow('second');
        await waitFor(async () => (await running()) === 0);
      });
      await waitFor(() => database.stats().active === 0);
    });

    it('is asked for a signal only where it takes long: then the statement ends too', async () => {
      const find = createSlow();
      const gone = new Error('gone long ago');
      await whileLocked(async () => {
        const asked = find(1, { lateSignal: () => AbortSignal.abort(gone) });
        await expect(asked).rejects.toThrow('gone long ago');
        await waitFor(async () => (await running()) === 0);
      });
      await waitFor(() => database.stats().active === 0);
    });

    it('before it is sent, does not cost the server anything', async () => {
      const find = createSlow();
      const caller = new AbortController();
      const asked = find(-1, { signal: caller.signal });
      caller.abort(new Error('gone'));
      await expect(asked).rejects.toThrow('gone');
      await database.query('after', 'select 1');
      expect(statements('slow')).toEqual([]);
    });
  });

  describe('writes of one turn, and those that come while others are under way', () => {
    const createAdd = (most?: number) =>
      createGatheredWrite<{ name: string; size: number }>({
        db: database,
        name: 'things.add-many',
        text: 'insert into things (name, size) select * from unnest($1::text[], $2::int[])',
        valuesOf: ({ name, size }) => [name, size],
        ...(most && { most }),
      });
    const namesNow = async () => {
      const { rows } = await database.query<Thing>('names', 'select name from things order by name');
      return rows.map(({ name }) => name);
    };

    it('are a few statements, and done when they are acknowledged', async () => {
      const add = createAdd();
      const names = Array.from({ length: 100 }, (_, index) => `n${String(index).padStart(3, '0')}`);
      await Promise.all(
        names.map(async (name, index) => {
          if (index > 50) await database.query('one', 'select 1');
          await add({ name, size: index });
        }),
      );
      expect(await namesNow()).toEqual(names);
      expect(statements('things.add-many').length).toBeLessThan(60);
      const { rows } = await database.query<{ size: number }>(
        'size',
        `select size from things where name = 'n042'`,
      );
      expect(rows[0]?.size).toBe(42);
    });

    it('have each their own outcome: one that is refused takes no other with it', async () => {
      const add = createAdd();
      await add({ name: 'taken', size: 0 });
      const outcomes = await Promise.allSettled(
        ['a', 'taken', 'b', 'b', 'c'].map((name) => add({ name, size: 1 })),
      );
      expect(outcomes.map(({ status }) => status)).toEqual([
        'fulfilled',
        'rejected',
        'fulfilled',
        'rejected',
        'fulfilled',
      ]);
      expect(outcomes[1]).toMatchObject({ reason: { code: '23505', constraint: 'things_name_key' } });
      expect(await namesNow()).toEqual(['a', 'b', 'c', 'taken']);
    });

    it('are all there or all refused, whatever they are', async () => {
      const seed = Date.now();
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.integer({ min: 0, max: 30 }), fc.boolean()), { maxLength: 40 }),
          fc.integer({ min: 1, max: 9 }),
          async (items, most) => {
            await withClient(route.own.adminUrl, (admin) => admin.query('truncate alpha.things'));
            const add = createAdd(most);
            const outcomes = await Promise.allSettled(
              items.map(async ([number, late]) => {
                if (late) await database.query('one', 'select 1');
                await add({ name: `n${number}`, size: number });
                return `n${number}`;
              }),
            );
            const added = outcomes.flatMap((outcome) =>
              outcome.status === 'fulfilled' ? [outcome.value] : [],
            );
            expect(added.sort()).toEqual([...new Set(items.map(([number]) => `n${number}`))].sort());
            expect(await namesNow()).toEqual(added);
          },
        ),
        { seed, numRuns: 15 },
      );
    });

    it('that nobody knows about are not tried again one by one', async () => {
      const add = createGatheredWrite<number>({
        db: database,
        name: 'gone',
        text: 'select pg_terminate_backend(pg_backend_pid()) from unnest($1::int[])',
        valuesOf: (number) => [number],
      });
      const outcomes = await Promise.allSettled([add(1), add(2)]);
      expect(outcomes).toMatchObject([{ reason: { status: 503 } }, { reason: { status: 503 } }]);
      expect(statements('gone')).toHaveLength(1);
    });
  });
});
