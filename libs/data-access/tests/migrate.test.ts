import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { migrate, type MigrateOptions, type MigrationMap } from '../src';
import { checksumOf } from '../src/migrations/migration-source';
import { first, second, third, MigrationStage } from './migration-stage';

let stage: MigrationStage;

beforeEach(async () => {
  stage = await MigrationStage.open();
});
afterEach(() => stage.close());

describe('up', () => {
  it('runs what has not run, in order, and nothing twice', async () => {
    expect(await stage.status(second)).toMatchObject({
      applied: [],
      ran: [],
      pending: ['1-create', '2-extend'],
    });
    expect(await stage.up(first)).toMatchObject({ applied: ['1-create'], ran: ['1-create'], pending: [] });
    expect((await stage.up(second)).ran).toEqual(['2-extend']);
    expect(await stage.up(second)).toMatchObject({ applied: ['1-create', '2-extend'], ran: [], pending: [] });
  });

  it('goes as far as it is told to', async () => {
    expect((await stage.up(third, { to: '2-extend' })).ran).toEqual(['1-create', '2-extend']);
    await expect(stage.up(third, { to: 'nowhere' })).rejects.toThrow('There is no migration "nowhere"');
    expect((await stage.up(third, { to: '3' })).ran).toEqual(['3-more']);
  });

  it('runs each once when several begin at the same time', async () => {
    const results = await Promise.all(Array.from({ length: 4 }, () => stage.up(second)));
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
    await expect(stage.up(broken)).rejects.toThrow(/^Migration "2-broken" failed: .*division by zero/);
    expect(await stage.columns()).toEqual(['one.id']);
    expect((await stage.up(second)).ran).toEqual(['2-extend']);
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
    await stage.up(careless, { lockTimeoutMs: 700 });
    expect(await stage.asOwner('select * from alpha.seen')).toEqual([{ path: 'alpha', lock: '700ms' }]);
  });

  it('goes on where knex itself was the migrator before', async () => {
    await stage.asOwner(`
      alter table schema_migrations drop column checksum, drop column duration_ms;
      insert into schema_migrations (name, batch, migration_time) values ('1-create', 4, now());
      create table one (id serial primary key)`);
    expect(await stage.status(second)).toMatchObject({ applied: ['1-create'], pending: ['2-extend'] });
    expect(await stage.up(second)).toMatchObject({ ran: ['2-extend'] });
    expect((await stage.status(second)).entries.map(({ batch }) => batch)).toEqual([4, 5]);
  });
});

describe('down', () => {
  it('takes back the last migration', async () => {
    await stage.up(third);
    expect(await stage.down(third)).toMatchObject({ ran: ['3-more'], applied: ['1-create', '2-extend'] });
    expect((await stage.down(third)).ran).toEqual(['2-extend']);
    expect(await stage.columns()).toEqual(['one.id']);
    expect((await stage.up(third)).ran).toEqual(['2-extend', '3-more']);
  });

  it('takes back all that the last up has run', async () => {
    await stage.up(first);
    await stage.up(third);
    expect((await stage.down(third, { batch: true })).ran).toEqual(['3-more', '2-extend']);
    expect((await stage.down(third, { batch: true })).ran).toEqual(['1-create']);
    expect((await stage.down(third, { batch: true })).ran).toEqual([]);
  });

  it('takes back what came after a migration, or everything', async () => {
    await stage.up(third);
    expect((await stage.down(third, { to: '1-create' })).ran).toEqual(['3-more', '2-extend']);
    await stage.up(third);
    expect((await stage.down(third, { all: true })).ran).toEqual(['3-more', '2-extend', '1-create']);
    expect(await stage.columns()).toEqual([]);
  });

  it('refuses as a whole where one of them has no way back', async () => {
    const oneWay: MigrationMap = { ...third, '2-extend': { up: (knex) => knex.raw('select 1') } };
    await stage.up(oneWay);
    await expect(stage.down(oneWay, { all: true })).rejects.toThrow('There is no way back from "2-extend"');
    expect((await stage.status(oneWay)).applied).toHaveLength(3);
    expect((await stage.down(oneWay)).ran).toEqual(['3-more']);
  });

  it('refuses what only a newer version knows', async () => {
    await stage.up(third);
    await expect(stage.down(second)).rejects.toThrow('This version does not have "3-more"');
  });

  it('keeps nothing of a way back that fails', async () => {
    await stage.up({ ...first, '2-stuck': { up: (knex) => knex.raw('create table two (id int)') } });
    const stuck: MigrationMap = {
      ...first,
      '2-stuck': {
        up: (knex) => knex.raw('select 1'),
        down: (knex) => knex.raw('drop table two; select 1 / 0'),
      },
    };
    await expect(stage.down(stuck)).rejects.toThrow(/division by zero/);
    expect((await stage.status(stuck)).applied).toContain('2-stuck');
    expect(await stage.columns()).toContain('two.id');
  });
});

describe('what is not as it was', () => {
  let directory: string;
  const write = (name: string, body: string) =>
    fs.writeFileSync(path.join(directory, name), `exports.up = ${body};\nexports.down = () => {};\n`);
  const run = (direction: 'up' | 'status', more: Partial<MigrateOptions> = {}) =>
    migrate(stage.own.ownerUrl, { directory, schema: 'alpha', ...more } as MigrateOptions, direction);
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
    await stage.up(third);
    const older = await stage.up(second, { onProgress: (event) => told.push(event) });
    expect(older.ran).toEqual([]);
    expect(told).toEqual([{ kind: 'missing', names: ['3-more'] }]);
    expect(older.entries.at(-1)).toMatchObject({ name: '3-more', state: 'missing' });
  });

  it('runs what came late, and tells', async () => {
    const told: object[] = [];
    const { '2-extend': _late, ...early } = third;
    await stage.up(early);
    const later = await stage.up(third, { onProgress: (event) => told.push(event) });
    expect(later.ran).toEqual(['2-extend']);
    expect(told[0]).toEqual({ kind: 'late', names: ['2-extend'] });
  });
});
