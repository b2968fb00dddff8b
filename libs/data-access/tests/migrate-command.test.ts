import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createTestDatabase, type TestDatabase } from '@rostrum/testing';
import { runMigrateCommand, withClient } from '../src';

let own: TestDatabase;
let directory: string;

beforeEach(async () => {
  own = await createTestDatabase('alpha', { source: {} });
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'rostrum-migrations-'));
  write('1-create.ts', {
    up: `import type { Knex } from 'knex';
         export async function up(knex: Knex): Promise<void> { await knex.raw('create table one (id int)'); }`,
    down: `export async function down(knex: Knex): Promise<void> { await knex.raw('drop table one'); }`,
  });
});

afterEach(async () => {
  await own.drop();
  fs.rmSync(directory, { recursive: true });
});

function write(file: string, { up, down = '' }: { up: string; down?: string }) {
  fs.writeFileSync(path.join(directory, file), `${up}\n${down}\n`);
}

const command = async (args: string, more: { url?: string; askBeforeDown?: boolean } = {}) => {
  const lines: string[] = [];
  const { url = own.ownerUrl, ...rest } = more;
  const code = await runMigrateCommand(args.split(' ').filter(Boolean), {
    url: () => url,
    directory,
    schema: 'alpha',
    write: (line) => lines.push(line.replace(/\d+ ms|\d\.\d s/, 'N ms')),
    ...rest,
  });
  return { code, text: lines.join('\n') };
};

const add = (name: string) => write(`${name}.js`, { up: `exports.up = (knex) => knex.raw('select 1');` });

it('brings the schema up to date, once', async () => {
  expect(await command('up')).toEqual({ code: 0, text: 'up 1-create\napplied 1-create (N ms)' });
  expect(await command('')).toEqual({ code: 0, text: '"alpha" is up to date' });
});

it('counts where there are several, and goes as far as it is told to', async () => {
  add('2-more');
  add('3-rest');
  expect((await command('up --to 2')).text).toBe(
    ['1/2 up 1-create', 'applied 1-create (N ms)', '2/2 up 2-more', 'applied 2-more (N ms)'].join('\n'),
  );
});

it('shows what has run and what has not as a table', async () => {
  expect(await command('status')).toEqual({
    code: 2,
    text: ['state    batch  applied at  migration', 'pending  -      -           1-create'].join('\n'),
  });
  await command('up');
  const { code, text } = await command('status');
  expect(code).toBe(0);
  expect(text).toMatch(
    /^state {4}batch {2}applied at {12}migration\napplied {2}1 {6}\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ {2}1-create$/,
  );
});

it('says by its exit code that a migration was edited after it had run', async () => {
  await command('up');
  write('1-create.ts', { up: `export const up = () => 1;` });
  expect(await command('status')).toMatchObject({
    code: 3,
    text: expect.stringContaining('changed') as string,
  });
  expect(await command('up')).toMatchObject({ code: 1 });
  expect(await command('up --accept-changes')).toMatchObject({ code: 0 });
  expect(await command('status')).toMatchObject({ code: 0 });
});

it('takes back the last migration', async () => {
  await command('up');
  expect(await command('down')).toEqual({ code: 0, text: 'down 1-create\ntook back 1-create (N ms)' });
  expect(await command('down')).toEqual({ code: 0, text: '"alpha" has nothing to take back' });
});

it('wants to hear yes before it loses data that matters', async () => {
  await command('up');
  const production = { askBeforeDown: true };
  expect(await command('down', production)).toEqual({
    code: 64,
    text: expect.stringContaining('--yes') as string,
  });
  expect(await command('down --dry-run', production)).toMatchObject({ code: 0 });
  expect(await command('status')).toMatchObject({ code: 0 });
  expect(await command('down --yes', production)).toMatchObject({ code: 0 });
});

it('tells statement by statement what would run', async () => {
  add('2-more');
  expect(await command('up --dry-run')).toEqual({
    code: 0,
    text: [
      '-- 1-create (tried, and taken back)',
      'create table one (id int);',
      '',
      '-- 2-more (tried, and taken back)',
      'select 1;',
      '',
      'nothing has been changed',
    ].join('\n'),
  });
  expect(await command('status')).toMatchObject({ code: 2 });
});

it('helps with examples', async () => {
  const { code, text } = await command('up --help');
  expect(code).toBe(0);
  expect(text).toMatch(/Examples:\n {2}migrate status/);
});

it.each([
  'sideways',
  'up down',
  'up --sideways',
  'up --batch',
  'up --yes',
  'status --to 1',
  'status --dry-run',
  'down --accept-changes',
  'down --all --batch',
])('refuses "%s", and says what it knows', async (args) => {
  expect(await command(args)).toMatchObject({ code: 64, text: expect.stringContaining('Usage') as string });
});

describe('ends with one clear line', () => {
  const failing = async (url?: string) => {
    const { code, text } = await command('up', url === undefined ? {} : { url });
    expect(code).toBe(1);
    return text;
  };

  it('when a migration is none', async () => {
    write('2-broken.js', { up: 'exports.down = () => {};' });
    expect(await failing()).toBe('migrate up of "alpha" failed: Migration "2-broken" has no function "up"');
  });

  it('when there is no server', async () => {
    expect(await failing('postgres://nobody@127.0.0.1:1/none')).toMatch(
      /^migrate up of "alpha" failed: .*ECONNREFUSED/,
    );
  });

  it('when the role may not change the schema', async () => {
    expect(await failing(own.url)).toMatch(
      /^migrate up of "alpha" failed: .*(permission denied|must be owner)/,
    );
    await withClient(own.ownerUrl, (client) => client.query('select from schema_migrations'));
  });
});
