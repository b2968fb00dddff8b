import { createTestDatabase, type TestDatabase } from '@rostrum/testing';
import { Client } from 'pg';
import { migrate, provisionDatabase, withClient, type MigrationMap } from '../src';
import { auditPrivileges, forbiddenToApp, forbiddenToOwner } from '../src/migrations/schema-checks';

const things: MigrationMap = {
  '1-things': {
    up: (knex) =>
      knex.raw(`create table things (id serial primary key, name text);
                create table ledger (id int);
                create view names as select name from things;
                create function answer() returns int language sql as 'select 42'`),
  },
};

// Roles belong to the whole server: other suites must not see what is done to these.
let own: TestDatabase;

beforeAll(async () => {
  own = await createTestDatabase('audited', { source: things });
  const services = [{ name: 'other', ownerPassword: 'other-owner', appPassword: 'other-app' }];
  await provisionDatabase(own.adminUrl, { database: own.name, services });
  await asAdmin('create table other.things (id int); alter table other.things owner to rostrum_other_owner');
});

afterAll(() => own.drop());

const asAdmin = (sql: string) => withClient(own.adminUrl, (client) => client.query(sql));
const asApp = (sql: string) =>
  withClient(own.url, async (client) => (await client.query(sql)).rows as object[]);
const audit = (exceptions = {}) =>
  auditPrivileges({ adminUrl: own.adminUrl, service: 'audited', exceptions });
const attempt = (url: string) => ({
  url,
  service: 'audited',
  table: 'audited.things',
  foreignTable: 'other.things',
});

it('gives the service what it needs, and finds nothing that it has beyond that', async () => {
  expect(await audit()).toEqual([]);
  expect(await forbiddenToApp(attempt(own.url))).toEqual([]);
  expect(await forbiddenToOwner(attempt(own.ownerUrl))).toEqual([]);
});

it('gives tables that come later to the service too, with their sequences', async () => {
  const later: MigrationMap = {
    ...things,
    '2-later': { up: (knex) => knex.raw('create table later (id serial primary key, name text)') },
  };
  await migrate(own.ownerUrl, { source: later, schema: 'audited' }, 'up');
  await asApp(`insert into later (name) values ('one')`);
  await asApp(`update later set name = 'two'`);
  expect(await asApp('select name from later')).toEqual([{ name: 'two' }]);
  await asApp('delete from later');
  expect(await audit()).toEqual([]);
});

it('lets services use the extensions, wherever those were before', async () => {
  await asAdmin('alter extension pg_trgm set schema public');
  await provisionDatabase(own.adminUrl, { database: own.name, services: [] });
  expect(await asApp(`select extensions.show_trgm('a')`)).toEqual([{ show_trgm: ['  a', ' a '] }]);
  expect(await audit()).toEqual([]);
});

it('limits sessions that set no limits themselves', async () => {
  const shown = `select name, setting from pg_settings
    where name in ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout') order by 1`;
  expect(await asApp(shown)).toEqual([
    { name: 'idle_in_transaction_session_timeout', setting: '15000' },
    { name: 'lock_timeout', setting: '5000' },
    { name: 'statement_timeout', setting: '30000' },
  ]);
  const { rows } = await withClient(own.ownerUrl, (client) => client.query(shown));
  expect(rows).toEqual([
    { name: 'idle_in_transaction_session_timeout', setting: '60000' },
    { name: 'lock_timeout', setting: '1000' },
    { name: 'statement_timeout', setting: '900000' },
  ]);
});

it('does not let one service take all connections', async () => {
  const services = [
    { name: 'many', ownerPassword: 'many-owner', appPassword: 'many-app', connectionLimit: 2 },
  ];
  await provisionDatabase(own.adminUrl, { database: own.name, services });
  const url = new URL(own.url);
  Object.assign(url, { username: 'rostrum_many', password: 'many-app' });
  const clients = Array.from({ length: 3 }, () => new Client(url.href));
  try {
    await clients[0]?.connect();
    await clients[1]?.connect();
    await expect(clients[2]?.connect()).rejects.toMatchObject({ code: '53300' });
  } finally {
    await Promise.all(clients.slice(0, 2).map((client) => client.end()));
    await asAdmin('drop schema many cascade; drop owned by rostrum_many, rostrum_many_owner');
    await asAdmin('drop role rostrum_many, rostrum_many_owner');
  }
});

const holes: [hole: string, mend: string, found: string][] = [
  [
    'alter role rostrum_audited createdb',
    'alter role rostrum_audited nocreatedb',
    'rostrum_audited has the attribute createdb',
  ],
  [
    'alter role rostrum_audited inherit',
    'alter role rostrum_audited noinherit',
    'rostrum_audited has the attribute inherit',
  ],
  [
    'alter role rostrum_audited_owner bypassrls',
    'alter role rostrum_audited_owner nobypassrls',
    'rostrum_audited_owner has the attribute bypassrls',
  ],
  [
    'grant pg_read_all_stats to rostrum_audited',
    'revoke pg_read_all_stats from rostrum_audited',
    'rostrum_audited is a member of pg_read_all_stats',
  ],
  [
    'alter role rostrum_audited set lock_timeout = 0',
    `alter role rostrum_audited set lock_timeout = '5s'`,
    'rostrum_audited has no limit lock_timeout',
  ],
  [
    'grant create on schema public to public',
    'revoke create on schema public from public',
    'rostrum_audited has CREATE on schema public',
  ],
  [
    'grant create on schema audited to rostrum_audited',
    'revoke create on schema audited from rostrum_audited',
    'rostrum_audited has CREATE on schema audited',
  ],
  [
    'grant usage on schema other to rostrum_audited',
    'revoke usage on schema other from rostrum_audited',
    'rostrum_audited has USAGE on schema other',
  ],
  [
    'grant select (id) on other.things to rostrum_audited',
    'revoke select (id) on other.things from rostrum_audited',
    'rostrum_audited has rights on other.things',
  ],
  [
    'grant insert on other.things to rostrum_audited_owner',
    'revoke insert on other.things from rostrum_audited_owner',
    'rostrum_audited_owner has rights on other.things',
  ],
  [
    'grant truncate on audited.things to rostrum_audited',
    'revoke truncate on audited.things from rostrum_audited',
    'rostrum_audited has TRUNCATE on its things',
  ],
  [
    'revoke delete on audited.things from rostrum_audited',
    'grant delete on audited.things to rostrum_audited',
    'rostrum_audited lacks DELETE on its things',
  ],
  [
    'grant insert on audited.schema_migrations to rostrum_audited',
    'revoke insert on audited.schema_migrations from rostrum_audited',
    'rostrum_audited has INSERT on its schema_migrations',
  ],
  [
    'grant usage on sequence audited.schema_migrations_id_seq to rostrum_audited',
    'revoke usage on sequence audited.schema_migrations_id_seq from rostrum_audited',
    'rostrum_audited has USAGE on sequence schema_migrations_id_seq',
  ],
  [
    'revoke usage on sequence audited.things_id_seq from rostrum_audited',
    'grant usage on sequence audited.things_id_seq to rostrum_audited',
    'rostrum_audited lacks USAGE on sequence things_id_seq',
  ],
  [
    'alter table audited.ledger owner to rostrum_audited',
    'alter table audited.ledger owner to rostrum_audited_owner; grant select, insert, update, delete on audited.ledger to rostrum_audited',
    'ledger belongs to rostrum_audited',
  ],
  [
    'grant select on pg_authid to rostrum_audited',
    'revoke select on pg_authid from rostrum_audited',
    'rostrum_audited may read pg_authid',
  ],
  [
    'grant execute on function pg_read_file(text) to rostrum_audited',
    'revoke execute on function pg_read_file(text) from rostrum_audited',
    'rostrum_audited may call pg_read_file(text)',
  ],
  [
    'grant execute on function lo_create(oid) to public',
    'revoke execute on function lo_create(oid) from public',
    'rostrum_audited may call lo_create(oid)',
  ],
  [
    'alter function audited.answer() security definer',
    'alter function audited.answer() security invoker',
    'audited.answer() acts for its owner wherever the search path leads',
  ],
];

describe('the audit finds that', () => {
  it.each(holes)('%s', async (hole, mend, found) => {
    await asAdmin(hole);
    try {
      expect(await audit()).toContain(found);
    } finally {
      await asAdmin(mend);
    }
    expect(await audit()).toEqual([]);
  });

  it('somebody may make temporary tables', async () => {
    await asAdmin(`grant temporary on database ${own.name} to public`);
    expect(await audit()).toContain('rostrum_audited has TEMPORARY on the database');
    expect(await forbiddenToApp(attempt(own.url))).toEqual([
      'create temporary table mine (id int): not refused',
    ]);
    await asAdmin(`revoke temporary on database ${own.name} from public`);
  });
});

it('knows of tables of which the service may do less', async () => {
  await asAdmin('revoke update, delete on audited.ledger from rostrum_audited');
  expect(await audit()).toEqual([
    'rostrum_audited lacks UPDATE on its ledger',
    'rostrum_audited lacks DELETE on its ledger',
  ]);
  expect(await audit({ ledger: ['SELECT', 'INSERT'] })).toEqual([]);
  await asAdmin('grant update, delete on audited.ledger to rostrum_audited');
});
