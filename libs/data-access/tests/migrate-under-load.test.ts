import { Client } from 'pg';
import { createTestDatabase, startPgBouncer, waitFor, type TestDatabase } from '@rostrum/testing';
import { migrate, withClient, type MigrateOptions, type Migration, type MigrationMap } from '../src';

type Told = Parameters<NonNullable<MigrateOptions['onProgress']>>[0];

let own: TestDatabase;
let told: Told[];
const clients: Client[] = [];

const base: MigrationMap = {
  '1-create': {
    up: (knex) =>
      knex.raw(`create table one (id int primary key, name text);
                insert into one select n, 'row ' || n from generate_series(1, 500) n`),
  },
};

beforeEach(async () => {
  told = [];
  own = await createTestDatabase('alpha', { source: base });
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.end().catch(() => undefined)));
  await own.drop();
});

const up = (migrations: Record<string, Migration>, more: Partial<MigrateOptions> = {}) =>
  migrate(
    own.ownerUrl,
    {
      source: { ...base, ...migrations },
      schema: 'alpha',
      onProgress: (event) => told.push(event),
      ...more,
    } as MigrateOptions,
    'up',
  );

async function connect(name = 'holder', url = own.url): Promise<Client> {
  const client = new Client({ connectionString: url, application_name: name });
  client.on('error', () => undefined);
  await client.connect();
  clients.push(client);
  return client;
}

const asAdmin = <T extends object>(sql: string, values: unknown[] = []) =>
  withClient(own.adminUrl, async (client) => (await client.query<T>(sql, values)).rows);

const indexes = async () =>
  (
    await asAdmin<{ name: string }>(
      `select c.relname || case when indisvalid then '' else ' (invalid)' end as name
         from pg_index join pg_class c on c.oid = indexrelid
        where indrelid = 'alpha.one'::regclass and not indisprimary`,
    )
  ).map(({ name }) => name);

const countOf = (kind: Told['kind']) => told.filter((event) => event.kind === kind).length;

const addColumn = {
  '2-extend': { up: (knex) => knex.raw('alter table one add column size int') },
} satisfies MigrationMap;

const indexOn = (definition: string): MigrationMap => ({
  '2-index': { config: { transaction: false }, up: (knex) => knex.raw(definition) },
});
const buildIndex = indexOn('create index concurrently if not exists one_name on one (name)');

/** What a migration does when it is in the midst of it. */
const isRunning = (text: string) => async () =>
  (
    await asAdmin(
      `select from pg_stat_activity where application_name = 'migrate alpha' and state = 'active'
          and datname = current_database() and query like $1`,
      [`%${text}%`],
    )
  ).length > 0;

describe('while a long transaction holds the table', () => {
  it('does not keep anybody from reading for longer than its own limit, and succeeds when the table is free', async () => {
    const holder = await connect();
    await holder.query('begin; select from one limit 1');
    const reader = await connect('reader');
    const lockTimeoutMs = 100;

    const migrating = up(addColumn, { lockTimeoutMs });
    const waits: number[] = [];
    // Whoever came after a change without a limit would wait here until the holder is gone, which is never.
    await waitFor(
      async () => {
        const began = performance.now();
        await reader.query('select name from one where id = 1');
        waits.push(performance.now() - began);
        return countOf('retrying') >= 4;
      },
      { timeoutMs: 20_000 },
    );
    await holder.query('commit');

    expect((await migrating).ran).toEqual(['2-extend']);
    waits.sort((a, b) => a - b);
    process.stdout.write(
      `${waits.length} reads beside 4 attempts of ${lockTimeoutMs} ms: median ${waits[waits.length >> 1]?.toFixed(1)} ms, longest ${waits.at(-1)?.toFixed(1)} ms\n`,
    );
    expect(told.find(({ kind }) => kind === 'retrying')).toMatchObject({
      attempt: 1,
      // The reader may be in the midst of one of its short reads, and is then named too.
      inUseBy: expect.arrayContaining([expect.stringMatching(/^holder \(process \d+\)$/)]),
    });
  });

  it('gives up when it has tried often enough, and has changed nothing', async () => {
    const holder = await connect();
    await holder.query('begin; select from one limit 1');
    await expect(up(addColumn, { lockTimeoutMs: 20, attempts: 3 })).rejects.toThrow(
      /^Migration "2-extend" failed after 3 attempts: .*lock timeout/,
    );
    await holder.query('rollback');
    expect((await up(addColumn)).ran).toEqual(['2-extend']);
  });

  it('waits longer each time', async () => {
    const holder = await connect();
    await holder.query('begin; select from one limit 1');
    await expect(up(addColumn, { lockTimeoutMs: 10, attempts: 5 })).rejects.toThrow(/lock timeout/);
    const pauses = told.flatMap((event) => (event.kind === 'retrying' ? [event.waitMs] : []));
    expect(pauses).toHaveLength(4);
    pauses.forEach((ms, index) => {
      expect(ms).toBeGreaterThanOrEqual(10 * 2 ** index);
      expect(ms).toBeLessThanOrEqual(20 * 2 ** index);
    });
  });
});

describe('an index that is built concurrently', () => {
  it('is built once, also when several begin, who must not wait for each other for ever', async () => {
    const results = await Promise.all([up(buildIndex), up(buildIndex), up(buildIndex)]);
    expect(results.flatMap(({ ran }) => ran)).toEqual(['2-index']);
    expect(await indexes()).toEqual(['one_name']);
  });

  it('leaves nothing behind when it fails, and can be built once the reason is gone', async () => {
    const unique = indexOn('create unique index concurrently if not exists one_name on one (name)');
    await asAdmin(`insert into alpha.one values (0, 'row 1')`);
    await expect(up(unique)).rejects.toThrow(/could not create unique index/);
    expect(told).toContainEqual({ kind: 'index-removed', index: 'alpha.one_name' });
    expect(await indexes()).toEqual([]);
    await asAdmin('delete from alpha.one where id = 0');
    expect((await up(unique)).ran).toEqual(['2-index']);
    expect(await indexes()).toEqual(['one_name']);
  });

  it('is begun anew by the next run when the last one was killed in the midst of it', async () => {
    const holder = await connect();
    await holder.query('begin; update one set name = name where id = 1');
    const killed = up(buildIndex).catch((error: unknown) => error);
    await waitFor(async () => (await indexes()).length > 0);
    await asAdmin(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'migrate alpha' and datname = current_database()`,
    );
    expect(await killed).toMatchObject({ message: expect.stringContaining('"2-index" failed') as string });
    await holder.query('rollback');
    expect(await indexes()).toEqual(['one_name (invalid)']);

    told = [];
    expect((await up(buildIndex)).ran).toEqual(['2-index']);
    expect(told).toContainEqual({ kind: 'index-removed', index: 'alpha.one_name' });
    expect(await indexes()).toEqual(['one_name']);
  });

  it('does not count as built while another one of the schema came out invalid', async () => {
    const hidden: MigrationMap = {
      '2-index': {
        config: { transaction: false },
        // Fails without a word, as a migration that catches too much would.
        up: async (knex) => {
          await knex.raw('create unique index concurrently one_name on one (name)').catch(() => undefined);
        },
      },
    };
    await asAdmin(`insert into alpha.one values (0, 'row 1')`);
    await expect(up(hidden)).rejects.toThrow(/alpha.one_name came out invalid/);
    expect(await indexes()).toEqual([]);
  });

  it('leaves an index alone that somebody is building by hand just now', async () => {
    const holder = await connect();
    await holder.query('begin; update one set name = name where id = 1');
    const byHand = await connect('by hand', own.adminUrl);
    const building = byHand.query('create index concurrently by_hand on alpha.one (name)');
    await waitFor(async () => (await indexes()).length > 0);
    const other: MigrationMap = {
      '2-rows': { config: { transaction: false }, up: (knex) => knex.raw('select 1') },
    };
    expect((await up(other)).ran).toEqual(['2-rows']);
    await holder.query('rollback');
    await building;
    expect(await indexes()).toEqual(['by_hand']);
  });
});

describe('an interruption', () => {
  it('ends the statement that runs, and leaves nothing of the migration', async () => {
    const interrupt = new AbortController();
    const long: MigrationMap = {
      '2-long': { up: (knex) => knex.raw('create table half (id int); select pg_sleep(600)') },
    };
    const running = up(long, { signal: interrupt.signal });
    const outcome = expect(running).rejects.toThrow('Migration "2-long" was interrupted');
    await waitFor(isRunning('pg_sleep(600)'));
    interrupt.abort();
    await outcome;
    expect(await isRunning('pg_sleep(600)')()).toBe(false);
    expect(await asAdmin(`select to_regclass('alpha.half') as half`)).toEqual([{ half: null }]);
    expect((await up(addColumn)).ran).toEqual(['2-extend']);
  });

  it('removes the index that it was building', async () => {
    const interrupt = new AbortController();
    const holder = await connect();
    // An old snapshot is enough to wait for; the table itself is free.
    await holder.query('begin isolation level repeatable read; select 1');
    const running = up(buildIndex, { signal: interrupt.signal });
    const outcome = expect(running).rejects.toThrow('was interrupted');
    await waitFor(async () => (await indexes()).length > 0);
    interrupt.abort();
    await outcome;
    expect(await indexes()).toEqual([]);
  });

  it('says so where the unfinished index is in use, and the next run removes it', async () => {
    const interrupt = new AbortController();
    const holder = await connect();
    await holder.query('begin; update one set name = name where id = 1');
    const running = up(buildIndex, { signal: interrupt.signal });
    const outcome = expect(running).rejects.toThrow('was interrupted');
    await waitFor(async () => (await indexes()).length > 0);
    interrupt.abort();
    await outcome;
    expect(told).toContainEqual({ kind: 'index-left', index: 'alpha.one_name' });
    await holder.query('rollback');
    await up(buildIndex);
    expect(await indexes()).toEqual(['one_name']);
  });

  it('ends the pause between two attempts', async () => {
    const interrupt = new AbortController();
    const holder = await connect();
    await holder.query('begin; select from one limit 1');
    const running = up(addColumn, { lockTimeoutMs: 50, signal: interrupt.signal });
    const outcome = expect(running).rejects.toThrow('was interrupted');
    await waitFor(() => countOf('retrying') > 3);
    interrupt.abort();
    await outcome;
  });
});

it('stops when a migration has let go of the lock', async () => {
  const careless: MigrationMap = {
    '2-careless': { up: (knex) => knex.raw('select pg_advisory_unlock_all()') },
    '3-next': { up: (knex) => knex.raw('select 1') },
  };
  await expect(up(careless)).rejects.toThrow(/The lock that keeps other migrations of "alpha" out was lost/);
});

it('refuses a pooler that would keep its lock for ever', async () => {
  const pooler = await startPgBouncer({ target: own.adminUrl, logins: [own.ownerUrl] });
  try {
    const url = pooler.urlFor(own.ownerUrl);
    const source = { ...base, ...addColumn };
    await expect(migrate(url, { source, schema: 'alpha' }, 'up')).rejects.toThrow(
      /There is a pooler in between/,
    );
    expect((await migrate(url, { source, schema: 'alpha' }, 'status')).pending).toEqual(['2-extend']);
  } finally {
    await pooler.stop();
  }
  expect((await up(addColumn)).ran).toEqual(['2-extend']);
});

it('ends a statement that takes too long', async () => {
  const slow: MigrationMap = {
    '2-slow': { config: { statementTimeoutMs: 50 }, up: (knex) => knex.raw('select pg_sleep(600)') },
  };
  await expect(up(slow)).rejects.toThrow(/"2-slow" failed: .*statement timeout/);
});
