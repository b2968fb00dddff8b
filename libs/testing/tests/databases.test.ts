import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { withClient, type MigrationMap } from '@rostrum/data-access';
import { createTestDatabase, createTestRedis } from '../src';

let folder: string;

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'rostrum-migrations-'));
  migrateTo('things');
});

afterEach(() => fs.rmSync(folder, { recursive: true }));

function migrateTo(table: string): void {
  fs.writeFileSync(
    path.join(folder, '1-create.js'),
    `exports.up = (knex) => knex.raw('create table ${table} (name text)');`,
  );
}

const fromMemory = (table: string): MigrationMap => ({
  '1-create': { up: (knex) => knex.raw(`create table ${table} (name text)`) },
});

const tablesOf = (url: string) =>
  withClient(url, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `select tablename as name from pg_tables where schemaname = 'alpha' and tablename not like 'schema_migrations%'`,
    );
    return rows.map(({ name }) => name);
  });

describe('createTestDatabase', () => {
  it('gives each suite a database of its own, migrated, used as the service and owned by its owner', async () => {
    const [one, two] = await Promise.all([
      createTestDatabase('alpha', folder),
      createTestDatabase('alpha', folder),
    ]);
    await withClient(one.url, (client) => client.query(`insert into things values ('one')`));
    await withClient(two.url, async (client) => {
      expect((await client.query('select * from things')).rows).toEqual([]);
      await expect(client.query('drop table things')).rejects.toMatchObject({ code: '42501' });
    });
    await withClient(two.ownerUrl, (client) => client.query('drop table things'));
    await Promise.all([one.drop(), two.drop()]);
    await expect(withClient(one.url, () => Promise.resolve())).rejects.toMatchObject({ code: '3D000' });
  });

  it('makes a new template when the migrations change', async () => {
    const made = [await createTestDatabase('alpha', folder)];
    migrateTo('newer');
    // Else the module system would answer with what it has loaded before.
    jest.resetModules();
    made.push(await createTestDatabase('alpha', folder));
    for (const table of ['a', 'b'])
      made.push(await createTestDatabase('alpha', { source: fromMemory(table) }));
    expect(await Promise.all(made.map(({ adminUrl }) => tablesOf(adminUrl)))).toEqual([
      ['things'],
      ['newer'],
      ['a'],
      ['b'],
    ]);
    await Promise.all(made.map((own) => own.drop()));
  });

  it('is dropped under open connections', async () => {
    const own = await createTestDatabase('alpha', folder);
    await withClient(own.url, async () => {
      await own.drop();
    }).catch(() => undefined);
    await expect(withClient(own.url, () => Promise.resolve())).rejects.toMatchObject({ code: '3D000' });
  });
});

describe('createTestRedis', () => {
  it('gives each suite an empty database of its own', async () => {
    const [one, two] = await Promise.all([createTestRedis(), createTestRedis()]);
    const clients = [new Redis(one.url), new Redis(two.url)] as const;
    await clients[0].set('key', 'one');
    expect(await clients[1].get('key')).toBeNull();
    await Promise.all(clients.map((client) => client.quit()));
    await Promise.all([one.close(), two.close()]);
    const three = await createTestRedis();
    const client = new Redis(three.url);
    expect(await client.dbsize()).toBe(0);
    await client.quit();
    await three.close();
  });
});
