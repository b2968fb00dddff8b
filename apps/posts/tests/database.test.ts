import path from 'node:path';
import { createDatabase, type Database } from '@rostrum/data-access';
import { createTestDatabase, type TestDatabase } from '@rostrum/testing';
import { knex } from 'knex';
import { down, up } from '../migrations/20261120120000-create-posts';

let database: TestDatabase;
let asApp: Database;

beforeAll(async () => {
  database = await createTestDatabase('posts', path.join(__dirname, '../migrations'));
  asApp = createDatabase({ url: database.url });
});
afterAll(async () => {
  await asApp.close();
  await database.drop();
});

describe('the role that the service runs as', () => {
  it.each([
    'create table posts.mine (id int)',
    'create table public.mine (id int)',
    'create schema mine',
    'create temporary table mine (id int)',
    'drop table posts.posts',
    'truncate posts.posts',
    'alter table posts.posts add column mine int',
    'create index mine on posts.posts (text)',
    'delete from posts.schema_migrations',
    'create role mine',
    'set role rostrum_posts_owner',
    'select * from pg_authid',
    `copy posts.posts to program 'true'`,
  ])('may not: %s', async (statement) => {
    await expect(asApp.run('forbidden', asApp.knex.raw(statement))).rejects.toMatchObject({ code: '42501' });
  });

  it('works with the rows of every table', async () => {
    for (const table of ['profiles', 'posts', 'follows', 'outbox', 'inbox']) {
      await expect(asApp.query(`count_${table}`, `select count(*) from ${table}`)).resolves.toBeDefined();
    }
  });
});

it('has tables that refuse what the service should never write', async () => {
  const id = crypto.randomUUID();
  const refusals: [string, string][] = [
    ['posts_author_id_fkey', `insert into posts values ('${id}', '${id}', 'a', now(), 1)`],
    ['follows_not_oneself', `insert into follows values ('${id}', '${id}')`],
    ['profiles_followers_check', `insert into profiles values ('${id}', 'a', now(), -1)`],
  ];
  for (const [constraint, statement] of refusals) {
    await expect(asApp.run('refused', asApp.knex.raw(statement))).rejects.toMatchObject({ constraint });
  }
});

it('can be taken back and made anew', async () => {
  const owner = knex({
    client: 'pg',
    connection: database.ownerUrl,
    searchPath: ['posts'],
    pool: { min: 0, max: 1 },
  });
  const tables = async () =>
    (await owner('pg_tables').select('tablename').where({ schemaname: 'posts' }).orderBy('tablename')).map(
      ({ tablename }) => tablename as string,
    );
  try {
    const before = await tables();
    await down(owner);
    expect((await tables()).filter((name) => !name.startsWith('schema_migrations'))).toEqual([]);
    await up(owner);
    expect(await tables()).toEqual(before);
  } finally {
    await owner.destroy();
  }
});
