import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createTestDatabase, waitFor, type TestDatabase } from '@rostrum/testing';
import { migrate, withClient, type MigrateOptions, type MigrationMap } from '../src';
import { checksumOf } from '../src/migrations/migration-source';

const first: MigrationMap = {
  '1-create': {
    up: (knex) => knex.schema.createTable('one', (table) => table.increments()),
    down: (knex) => knex.schema.dropTable('one'),
  },
};
const second: MigrationMap = {
  ...first,
  '2-extend': {
    up: (knex) => knex.schema.alterTable('one', (table) => table.text('name')),
    down: (knex) => knex.schema.alterTable('one', (table) => table.dropColumn('name')),
  },
};
const third: MigrationMap = {
  ...second,
  '3-more': {
    up: (knex) => knex.raw('create table more (id int)'),
    down: (knex) => knex.raw('drop table more'),
  },
};

let own: TestDatabase;

beforeEach(async () => {
  own = await createTestDatabase('alpha', { source: {} });
});

afterEach(() => own.drop());

type Options = Partial<MigrateOptions>;
const options = (source: MigrationMap, more: Options) =>
  ({ source, schema: 'alpha', ...more }) as MigrateOptions;
const up = (source: MigrationMap, more: Options = {}) => migrate(own.ownerUrl, options(source, more), 'up');
const down = (source: MigrationMap, more: Options = {}) =>
  migrate(own.ownerUrl, options(source, more), 'down');
const status = (source: MigrationMap) => migrate(own.ownerUrl, options(source, {}), 'status');
const asOwner = <T extends object>(sql: string) =>
  withClient(own.ownerUrl, async (client) => (await client.query<T>(sql)).rows);
const columns = async () =>
  (
    await asOwner<{ name: string }>(
      `select table_name || '.' || column_name as name from information_schema.columns
        where table_schema = 'alpha' and table_name <> 'schema_migrations' order by 1`,
    )
  ).map(({ name }) => name);

describe('up', () => {
  it('runs what has not run, in order, and nothing twice', async () => {
    expect(await status(second)).toMatchObject({ applied: [], ran: [], pending: ['1-create', '2-extend'] });
    expect(await up(first)).toMatchObject({ applied: ['1-create'], ran: ['1-create'], pending: [] });
    expect((await up(second)).ran).toEqual(['2-extend']);
    expect(await up(second)).toMatchObject({ applied: ['1-create', '2-extend'], ran: [], pending: [] });
  });

  it('goes as far as it is told to', async () => {
    expect((await up(third, { to: '2-extend' })).ran).toEqual(['1-create', '2-extend']);
    await expect(up(third, { to: 'nowhere' })).rejects.toThrow('There is no migration "nowhere"');
    expect((await up(third, { to: '3' })).ran).toEqual(['3-more']);
  });

  it('runs each once when several begin at the same time', async () => {
    const results = await Promise.all(Array.from({ length: 4 }, () => up(second)));
    expect(results.flatMap(({ ran }) => ran)).toEqual(['1-create', '2-extend']);
  });

  it('keeps nothing of a migration that fails, and can run the mended one', async () => {
    const broken: MigrationMap = {
      ...first,
      '2-broken': {
        up: async (knex) => {
          await knex.schema.createTable('two', (table) => table.increments());
          await knex.raw('select 1 / 0');
        },
      },
    };
    await expect(up(broken)).rejects.toThrow(/^Migration "2-broken" failed: .*division by zero/);
    expect(await columns()).toEqual(['one.id']);
    expect((await up(second)).ran).toEqual(['2-extend']);
  });

  it('does not let one migration set anything for the next', async () => {
    const careless: MigrationMap = {
      '1-careless': { up: (knex) => knex.raw('set lock_timeout = 0; set search_path = public') },
      '2-next': {
        up: async (knex) => {
          await knex.raw(
            `create table seen as select current_setting('search_path') path, current_setting('lock_timeout') lock`,
          );
        },
      },
    };
    await up(careless, { lockTimeoutMs: 700 });
    expect(await asOwner('select * from alpha.seen')).toEqual([{ path: 'alpha', lock: '700ms' }]);
  });

  it('goes on where knex itself was the migrator before', async () => {
    await asOwner(`
      alter table schema_migrations drop column checksum, drop column duration_ms;
      insert into schema_migrations (name, batch, migration_time) values ('1-create', 4, now());
      create table one (id serial primary key)`);
    expect(await status(second)).toMatchObject({ applied: ['1-create'], pending: ['2-extend'] });
    expect(await up(second)).toMatchObject({ ran: ['2-extend'] });
    expect((await status(second)).entries.map(({ batch }) => batch)).toEqual([4, 5]);
  });
});

describe('down', () => {
  it('takes back the last migration', async () => {
    await up(third);
    expect(await down(third)).toMatchObject({ ran: ['3-more'], applied: ['1-create', '2-extend'] });
    expect((await down(third)).ran).toEqual(['2-extend']);
    expect(await columns()).toEqual(['one.id']);
    expect((await up(third)).ran).toEqual(['2-extend', '3-more']);
  });

  it('takes back all that the last up has run', async () => {
    await up(first);
    await up(third);
    expect((await down(third, { batch: true })).ran).toEqual(['3-more', '2-extend']);
    expect((await down(third, { batch: true })).ran).toEqual(['1-create']);
    expect((await down(third, { batch: true })).ran).toEqual([]);
  });

  it('takes back what came after a migration, or everything', async () => {
    await up(third);
    expect((await down(third, { to: '1-create' })).ran).toEqual(['3-more', '2-extend']);
    await up(third);
    expect((await down(third, { all: true })).ran).toEqual(['3-more', '2-extend', '1-create']);
    expect(await columns()).toEqual([]);
  });

  it('refuses as a whole where one of them has no way back', async () => {
    const oneWay: MigrationMap = { ...third, '2-extend': { up: (knex) => knex.raw('select 1') } };
    await up(oneWay);
    await expect(down(oneWay, { all: true })).rejects.toThrow('There is no way back from "2-extend"');
    expect((await status(oneWay)).applied).toHaveLength(3);
    expect((await down(oneWay)).ran).toEqual(['3-more']);
  });

  it('refuses what only a newer version knows', async () => {
    await up(third);
    await expect(down(second)).rejects.toThrow('This version does not have "3-more"');
  });

  it('keeps nothing of a way back that fails', async () => {
    await up({ ...first, '2-stuck': { up: (knex) => knex.raw('create table two (id int)') } });
    const stuck: MigrationMap = {
      ...first,
      '2-stuck': {
        up: (knex) => knex.raw('select 1'),
        down: (knex) => knex.raw('drop table two; select 1 / 0'),
      },
    };
    await expect(down(stuck)).rejects.toThrow(/division by zero/);
    expect((await status(stuck)).applied).toContain('2-stuck');
    expect(await columns()).toContain('two.id');
  });
});

describe('what is not as it was', () => {
  let directory: string;
  const write = (name: string, body: string) =>
    fs.writeFileSync(path.join(directory, name), `exports.up = ${body};\nexports.down = () => {};\n`);
  const run = (direction: 'up' | 'status', more: Options = {}) =>
    migrate(own.ownerUrl, { directory, schema: 'alpha', ...more } as MigrateOptions, direction);
  const states = async () => (await run('status')).entries.map(({ name, state }) => `${name} ${state}`);

  beforeEach(() => {
    // Modules are loaded once: each test has a folder of its own, and edited files are loaded from another one.
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'rostrum-migrations-'));
  });

  const move = () => {
    const next = fs.mkdtempSync(path.join(os.tmpdir(), 'rostrum-migrations-'));
    fs.cpSync(directory, next, { recursive: true });
    fs.rmSync(directory, { recursive: true });
    directory = next;
  };

  afterEach(() => fs.rmSync(directory, { recursive: true }));

  it('knows a migration by its name without the extension', async () => {
    write('1-create.ts', '(knex) => knex.raw("create table one (id int)")');
    fs.writeFileSync(path.join(directory, 'notes.md'), 'not a migration');
    fs.writeFileSync(path.join(directory, '1-create.d.ts'), 'not a migration either');
    expect((await run('up')).ran).toEqual(['1-create']);
    fs.renameSync(path.join(directory, '1-create.ts'), path.join(directory, '1-create.js'));
    expect((await run('up')).ran).toEqual([]);
    fs.copyFileSync(path.join(directory, '1-create.js'), path.join(directory, '1-create.cjs'));
    await expect(run('up')).rejects.toThrow('"1-create" is there twice');
  });

  it('refuses to go on from a migration that was edited after it had run, until that is accepted', async () => {
    write('1-create.js', '(knex) => knex.raw("create table one (id int)")');
    await run('up');
    move();
    write('1-create.js', '(knex) => knex.raw("create table one (id bigint)")');
    write('2-more.js', '(knex) => knex.raw("create table two (id int)")');
    expect(await states()).toEqual(['1-create changed', '2-more pending']);
    await expect(run('up')).rejects.toThrow('"1-create" changed after it had run');
    expect((await run('up', { acceptChanges: true })).ran).toEqual(['2-more']);
    expect(await states()).toEqual(['1-create applied', '2-more applied']);
  });

  it('takes a formatted migration for the same', async () => {
    write('1-create.js', '(knex) => knex.raw("create table one (id int)")');
    await run('up');
    move();
    write('1-create.js', '(knex) =>\n    knex.raw("create table one (id int)")');
    expect(await states()).toEqual(['1-create applied']);
  });

  it('reckons as the build does', () => {
    // The same example is in the tests of tools/build.
    expect(checksumOf('export const up: number = 1;')).toBe('c7b551547a33f693');
  });

  it('believes what the build says its compiled migrations were made from', async () => {
    write('1-create.js', '(knex) => knex.raw("create table one (id int)")');
    const checksums = path.join(directory, 'checksums.json');
    fs.writeFileSync(checksums, JSON.stringify({ '1-create': 'a' }));
    await run('up');
    move();
    write('1-create.js', '(knex) => knex.raw("compiled otherwise")');
    expect(await states()).toEqual(['1-create applied']);
    fs.writeFileSync(path.join(directory, 'checksums.json'), JSON.stringify({ '1-create': 'b' }));
    expect(await states()).toEqual(['1-create changed']);
  });

  it('tells of what only a newer version knows, and lets the older one be', async () => {
    const told: object[] = [];
    await up(third);
    const older = await up(second, { onProgress: (event) => told.push(event) });
    expect(older.ran).toEqual([]);
    expect(told).toEqual([{ kind: 'missing', names: ['3-more'] }]);
    expect(older.entries.at(-1)).toMatchObject({ name: '3-more', state: 'missing' });
  });

  it('runs what came late, and tells', async () => {
    const told: object[] = [];
    const { '2-extend': _late, ...early } = third;
    await up(early);
    const later = await up(third, { onProgress: (event) => told.push(event) });
    expect(later.ran).toEqual(['2-extend']);
    expect(told[0]).toEqual({ kind: 'late', names: ['2-extend'] });
  });
});

describe('a dry run', () => {
  it('tries everything, tells every statement and changes nothing', async () => {
    const { dryRun, pending } = await up(second, { dryRun: true });
    expect(dryRun).toEqual([
      {
        name: '1-create',
        tried: true,
        statements: [expect.stringContaining('create table "one"')],
      },
      { name: '2-extend', tried: true, statements: ['alter table "one" add column "name" text'] },
    ]);
    expect(pending).toEqual(['1-create', '2-extend']);
    expect(await columns()).toEqual([]);
  });

  it('says what would fail', async () => {
    const broken: MigrationMap = { ...first, '2-broken': { up: (knex) => knex.raw('select 1 / 0') } };
    await expect(up(broken, { dryRun: true })).rejects.toThrow(
      /^Migration "2-broken" would fail: .*division by zero/,
    );
    expect((await up(first)).ran).toEqual(['1-create']);
  });

  it('shows the way back, with values', async () => {
    const withRows: MigrationMap = {
      ...first,
      '2-rows': {
        up: (knex) => knex('one').insert({ id: 7 }),
        down: (knex) => knex('one').where({ id: 7 }).delete(),
      },
    };
    await up(withRows);
    expect((await down(withRows, { dryRun: true })).dryRun).toEqual([
      { name: '2-rows', tried: true, statements: ['delete from "one" where "id" = $1 -- $1 = 7'] },
    ]);
    expect(await asOwner('select id from alpha.one')).toEqual([{ id: 7 }]);
  });

  it('lists what it cannot try, and what depends on it', async () => {
    const concurrent: MigrationMap = {
      ...first,
      '2-index': {
        config: { transaction: false },
        up: (knex) => knex.raw('create index concurrently if not exists one_id on one (id)'),
      },
      '3-after': { up: (knex) => knex.raw('drop index one_id') },
      '4-asks': {
        up: async (knex) => {
          const { rows } = (await knex.raw('select 1 as n')) as { rows: { n: number }[] };
          await knex.raw(`select ${String(rows.map(({ n }) => n)[0]?.toFixed(1).length)}`);
          (rows[0] as { n: number }).n.toFixed();
        },
      },
    };
    const { dryRun } = await up(concurrent, { dryRun: true });
    expect(dryRun?.map(({ name, tried }) => `${name} ${tried}`)).toEqual([
      '1-create true',
      '2-index false',
      '3-after false',
      '4-asks false',
    ]);
    expect(dryRun?.[1]).toMatchObject({ note: expect.stringContaining('outside a transaction') as string });
    expect(dryRun?.[3]?.note).toContain('up to where it needs an answer');
    expect(await columns()).toEqual([]);
  });
});

describe('the lock', () => {
  it('lets others wait, tells them for whom, and ends with the one that holds it', async () => {
    const gate = Promise.withResolvers<void>();
    const told: object[] = [];
    const slow: MigrationMap = { '1-create': { up: () => gate.promise } };
    const running = up(slow);
    await waitFor(() => isMigrating());
    const waiting = up(slow, { onProgress: (event) => told.push(event) });
    await waitFor(() => told.length > 0);
    expect(told).toEqual([
      { kind: 'waiting', holder: expect.stringMatching(/^migrate alpha, process \d+/) as string },
    ]);
    gate.resolve();
    expect((await running).ran).toEqual(['1-create']);
    expect((await waiting).ran).toEqual([]);
  });

  it('is not waited for longer than one wants to', async () => {
    const gate = Promise.withResolvers<void>();
    const running = up({ '1-slow': { up: () => gate.promise } });
    await waitFor(() => isMigrating());
    await expect(up(first, { waitMs: 100 })).rejects.toThrow(/has been running for more than 100 ms/);
    gate.resolve();
    await running;
  });

  const isMigrating = async () =>
    (
      await asOwner(
        `select from pg_stat_activity where application_name = 'migrate alpha' and state = 'idle in transaction'
            and datname = current_database()`,
      )
    ).length > 0;
});
