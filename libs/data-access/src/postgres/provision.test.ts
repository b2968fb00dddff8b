import { createTestDatabase, type TestDatabase } from '@rostrum/testing';
import { Client } from 'pg';
import {
  createDatabase,
  migrate,
  provisionDatabase,
  withClient,
  withDatabase,
  type Database,
  type MigrationMap,
} from '../index';

const thingsMigration: MigrationMap = {
  '20260101000000-create-things': {
    up: async (knex) => {
      await knex.schema.createTable('things', (table) => {
        table.increments('id');
        table.text('name').notNullable();
      });
      await knex.raw('create function answer() returns int language sql as $$ select 42 $$');
    },
  },
};

describe('a service in its own schema', () => {
  let own: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    own = await createTestDatabase('alpha', { source: thingsMigration });
    await provisionDatabase(own.adminUrl, {
      database: own.name,
      services: [{ name: 'beta', ownerPassword: 'beta-owner', appPassword: 'beta-app' }],
    });
    await migrate(
      loginUrl('rostrum_beta_owner', 'beta-owner'),
      { source: thingsMigration, schema: 'beta' },
      'up',
    );
    database = createDatabase({ url: own.url, max: 2 });
  });

  afterAll(async () => {
    await database.close();
    await own.drop();
  });

  const loginUrl = (role: string, password: string) => {
    const url = new URL(own.url);
    url.username = role;
    url.password = password;
    return url.href;
  };

  it('works with its rows', async () => {
    await database.query('things.add', 'insert into things (name) values ($1)', ['one']);
    await database.query('things.rename', 'update things set name = $1', ['two']);
    const { rows } = await database.query<{ name: string }>('things.list', 'select name from things');
    expect(rows).toEqual([{ name: 'two' }]);
    await database.query('things.remove', 'delete from things');
    expect((await database.query('answer', 'select answer()')).rows).toEqual([{ answer: 42 }]);
  });

  it.each([
    ['reads', 'select * from beta.things'],
    ['adds to', `insert into beta.things (name) values ('x')`],
    ['changes', `update beta.things set name = 'x'`],
    ['empties', 'delete from beta.things'],
    ['truncates its own', 'truncate things'],
    ['alters', 'alter table beta.things add column x int'],
    ['alters its own', 'alter table things add column x int'],
    ['drops its own', 'drop table things'],
    ['creates a table in its own schema', 'create table mine (x int)'],
    ['creates a table in public', 'create table public.mine (x int)'],
    ['creates a temporary table', 'create temporary table mine (x int)'],
    ['creates a schema', 'create schema mine'],
    ['rewrites the list of migrations', 'delete from schema_migrations'],
    ['becomes the owner', 'set role rostrum_alpha_owner'],
    ['calls the other’s function', 'select beta.answer()'],
  ])('is refused when it %s', async (_what, statement) => {
    await expect(database.query(statement, statement)).rejects.toMatchObject({ code: '42501' });
  });

  it('does not let the owner of another schema in either', async () => {
    await withClient(loginUrl('rostrum_beta_owner', 'beta-owner'), async (client) => {
      await expect(client.query('select * from alpha.things')).rejects.toMatchObject({ code: '42501' });
      await expect(client.query('create table alpha.mine (x int)')).rejects.toMatchObject({ code: '42501' });
    });
  });

  it('changes passwords and nothing else when it is run again', async () => {
    await database.query('things.add', 'insert into things (name) values ($1)', ['kept']);
    const services = [{ name: 'beta', ownerPassword: 'beta-owner', appPassword: 'rotated' }];
    await provisionDatabase(own.adminUrl, { database: own.name, services });
    await expect(new Client(loginUrl('rostrum_beta', 'beta-app')).connect()).rejects.toMatchObject({
      code: '28P01',
    });
    await withClient(loginUrl('rostrum_beta', 'rotated'), (client) => client.query('select * from things'));
    const { rows } = await database.query('things.list', 'select name from things');
    expect(rows).toEqual([{ name: 'kept' }]);
  });

  it('keeps the password itself from the server', async () => {
    await withClient(own.adminUrl, async (client) => {
      const { rows } = await client.query<{ rolpassword: string }>(
        `select rolpassword from pg_authid where rolname = 'rostrum_beta'`,
      );
      expect(rows[0]?.rolpassword).toMatch(/^SCRAM-SHA-256\$4096:/);
    });
  });

  it('works for an administrator who is no superuser', async () => {
    await withClient(own.adminUrl, async (client) => {
      await client.query(`create role limited_admin login createdb createrole password 'limited'`);
    });
    try {
      const url = withDatabase(loginUrl('limited_admin', 'limited'), 'postgres');
      const services = [{ name: 'gamma', ownerPassword: 'gamma-owner', appPassword: 'gamma-app' }];
      await provisionDatabase(url, { database: 'provision_limited', services });
      await provisionDatabase(url, { database: 'provision_limited', services });
      const ownerUrl = withDatabase(loginUrl('rostrum_gamma_owner', 'gamma-owner'), 'provision_limited');
      expect((await migrate(ownerUrl, { source: thingsMigration, schema: 'gamma' }, 'up')).ran).toHaveLength(
        1,
      );
      await withClient(withDatabase(own.adminUrl, 'provision_limited'), (client) =>
        client.query('alter extension pg_trgm set schema public'),
      );
      await expect(provisionDatabase(url, { database: 'provision_limited', services })).rejects.toThrow(
        /in the schema public: a superuser has to run "alter extension pg_trgm set schema extensions"/,
      );
    } finally {
      await withClient(own.adminUrl, async (client) => {
        await client.query('drop database if exists provision_limited with (force)');
        await client.query('drop role if exists rostrum_gamma, rostrum_gamma_owner, limited_admin');
      });
    }
  });

  it('refuses a name that would not survive as an identifier', async () => {
    const services = [{ name: 'x; drop', ownerPassword: 'a', appPassword: 'b' }];
    await expect(provisionDatabase(own.adminUrl, { database: own.name, services })).rejects.toThrow(
      /cannot name/,
    );
  });
});
