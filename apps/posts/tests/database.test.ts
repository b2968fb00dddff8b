import path from 'node:path';
import { createDatabase, migrate, withClient, type Database } from '@rostrum/data-access';
import { createTestDatabase, type TestDatabase } from '@rostrum/testing';

const directory = path.join(__dirname, '../migrations');

let database: TestDatabase;
let asApp: Database;

beforeAll(async () => {
  database = await createTestDatabase('posts', directory);
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
    for (const table of [
      'profiles',
      'posts',
      'post_mentions',
      'post_tags',
      'tags',
      'post_versions',
      'drafts',
      'follows',
      'follow_requests',
      'blocks',
      'mutes',
      'likes',
      'reposts',
      'bookmarks',
      'moderation_cases',
      'post_reports',
      'post_appeals',
      'moderation_log',
      'person_cases',
      'person_reports',
      'person_moderation_log',
      'outbox',
      'inbox',
    ]) {
      await expect(asApp.query(`count_${table}`, `select count(*) from ${table}`)).resolves.toBeDefined();
    }
  });
});

describe('what moderators have done', () => {
  const add = (values: string) =>
    `insert into moderation_log (id, post_id, actor_id, version, kind, reason) values (${values})`;
  const entry = add(`gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1, 'hidden', 'Rude'`);

  it.each([
    `update moderation_log set reason = 'Polite'`,
    'delete from moderation_log',
    'truncate moderation_log',
    `update post_reports set reason = 'spam'`,
    'delete from post_reports',
    `update post_appeals set text = 'Please'`,
    'delete from post_appeals',
  ])('cannot be changed by the service: %s', async (statement) => {
    await asApp.run('append', asApp.knex.raw(entry));
    await expect(asApp.run('forbidden', asApp.knex.raw(statement))).rejects.toMatchObject({ code: '42501' });
  });

  it.each([`update moderation_log set reason = 'Polite'`, 'delete from moderation_log'])(
    'nor by the owner of the tables: %s',
    async (statement) => {
      await asApp.run('append', asApp.knex.raw(entry));
      await withClient(database.ownerUrl, async (client) => {
        await expect(
          client.query(statement.replace('moderation_log', 'posts.moderation_log')),
        ).rejects.toThrow('append-only');
      });
    },
  );

  it('says why, where it is a decision', async () => {
    const id = 'gen_random_uuid()';
    for (const [kind, reason] of [
      ['hidden', 'null'],
      ['claimed', `'Why'`],
      ['burnt', `'Why'`],
    ]) {
      const statement = add(`${id}, ${id}, ${id}, 1, '${kind}', ${reason}`);
      await expect(asApp.run('refused', asApp.knex.raw(statement))).rejects.toMatchObject({ code: '23514' });
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
  const options = { directory, schema: 'posts' };
  const tables = () =>
    withClient(database.ownerUrl, async (client) => {
      const { rows } = await client.query<{ name: string }>(
        `select tablename as name from pg_tables
          where schemaname = 'posts' and tablename <> 'schema_migrations' order by 1`,
      );
      return rows.map(({ name }) => name);
    });
  const before = await tables();
  await migrate(database.ownerUrl, { ...options, all: true }, 'down');
  expect(await tables()).toEqual([]);
  await migrate(database.ownerUrl, options, 'up');
  expect(await tables()).toEqual(before);
});
