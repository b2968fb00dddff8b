import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createTestDatabase, waitFor, type TestDatabase } from '@rostrum/testing';
import { migrate, runMigrateCommand, withClient, type MigrationMap } from '../src';

const first: MigrationMap = {
  '1-create': { up: (knex) => knex.schema.createTable('one', (table) => table.increments()) },
};
const second: MigrationMap = {
  ...first,
  '2-extend': { up: (knex) => knex.schema.alterTable('one', (table) => table.text('name')) },
};

let own: TestDatabase;

beforeEach(async () => {
  own = await createTestDatabase('alpha', { source: {} });
});

afterEach(() => own.drop());

const up = (source: MigrationMap) => migrate(own.ownerUrl, { source, schema: 'alpha' }, 'up');
const status = (source: MigrationMap) => migrate(own.ownerUrl, { source, schema: 'alpha' }, 'status');

it('runs what has not run, in order, and nothing twice', async () => {
  expect(await status(second)).toEqual({ applied: [], ran: [], pending: ['1-create', '2-extend'] });
  expect(await up(first)).toEqual({ applied: ['1-create'], ran: ['1-create'], pending: [] });
  expect((await up(second)).ran).toEqual(['2-extend']);
  expect(await up(second)).toEqual({ applied: ['1-create', '2-extend'], ran: [], pending: [] });
});

it('runs each once when several begin at the same time', async () => {
  const results = await Promise.all(Array.from({ length: 4 }, () => up(second)));
  expect(results.flatMap(({ ran }) => ran)).toEqual(['1-create', '2-extend']);
});

it('keeps nothing of a migration that fails, and can run the mended one', async () => {
  const broken: MigrationMap = {
    '1-create': {
      up: async (knex) => {
        await knex.schema.createTable('one', (table) => table.increments());
        await knex.raw('select 1 / 0');
      },
    },
  };
  await expect(up(broken)).rejects.toThrow(/division by zero/);
  expect((await up(first)).ran).toEqual(['1-create']);
});

it('is not locked out by a run that was killed outside a transaction', async () => {
  await up(first);
  // What knex leaves behind when its process ends within a migration that runs without a transaction.
  await withClient(own.ownerUrl, (client) => client.query('update schema_migrations_lock set is_locked = 1'));
  expect((await up(second)).ran).toEqual(['2-extend']);
});

it('gives up when it waits too long for a lock, so that traffic does not queue behind it', async () => {
  await up(first);
  await withClient(own.ownerUrl, async (client) => {
    await client.query('begin; lock table one in access share mode');
    const blocked = migrate(own.ownerUrl, { source: second, schema: 'alpha', lockTimeoutMs: 100 }, 'up');
    await expect(blocked).rejects.toThrow(/lock timeout/);
    await client.query('rollback');
  });
  expect((await up(second)).ran).toEqual(['2-extend']);
});

it('gives up when another migration takes too long', async () => {
  const gate = Promise.withResolvers<void>();
  let inside = false;
  const slow: MigrationMap = {
    '1-slow': {
      up: async () => {
        inside = true;
        await gate.promise;
      },
    },
  };
  const running = up(slow);
  await waitFor(() => inside);
  const waiting = migrate(own.ownerUrl, { source: first, schema: 'alpha', waitMs: 100 }, 'up');
  await expect(waiting).rejects.toThrow(/has been running for more than 100 ms/);
  gate.resolve();
  await running;
});

describe('from a folder', () => {
  let directory: string;

  beforeEach(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'rostrum-migrations-'));
    fs.writeFileSync(
      path.join(directory, '1-create.ts'),
      `import type { Knex } from 'knex';
       export async function up(knex: Knex): Promise<void> { await knex.schema.createTable('one', (t) => { t.increments(); }); }
       export async function down(knex: Knex): Promise<void> { await knex.schema.dropTable('one'); }`,
    );
    fs.writeFileSync(path.join(directory, 'notes.md'), 'not a migration');
    fs.writeFileSync(path.join(directory, '1-create.d.ts'), 'not a migration either');
  });

  afterEach(() => fs.rmSync(directory, { recursive: true }));

  const command = async (...args: string[]) => {
    const lines: string[] = [];
    const code = await runMigrateCommand(args, {
      url: () => own.ownerUrl,
      directory,
      schema: 'alpha',
      write: (line) => lines.push(line),
    });
    return { code, text: lines.join('\n') };
  };

  it('knows a migration by its name without the extension', async () => {
    expect((await migrate(own.ownerUrl, { directory, schema: 'alpha' }, 'up')).ran).toEqual(['1-create']);
    fs.rmSync(path.join(directory, '1-create.ts'));
    fs.writeFileSync(
      path.join(directory, '1-create.js'),
      'exports.up = async () => { throw new Error("again"); };',
    );
    expect((await migrate(own.ownerUrl, { directory, schema: 'alpha' }, 'up')).ran).toEqual([]);
  });

  it('is what the command runs, and tells', async () => {
    expect(await command('status')).toEqual({ code: 2, text: 'pending  1-create' });
    expect(await command('up')).toEqual({ code: 0, text: 'applied 1-create' });
    expect(await command('up')).toEqual({ code: 0, text: '"alpha" is up to date' });
    expect(await command('status')).toEqual({ code: 0, text: 'applied  1-create' });
  });

  it('tells what the command can do, and refuses what it cannot', async () => {
    expect(await command('--help')).toMatchObject({
      code: 0,
      text: expect.stringContaining('Usage') as string,
    });
    expect(await command('sideways')).toMatchObject({ code: 64 });
  });

  it('ends the command with one clear line when something is wrong', async () => {
    fs.writeFileSync(path.join(directory, '2-broken.js'), 'exports.down = () => {};');
    expect(await command('up')).toEqual({
      code: 1,
      text: 'migrate up of "alpha" failed: Migration "2-broken" has no function "up"',
    });
  });
});
