import { createInboxTable, createOutboxTable, dropInboxTable, dropOutboxTable } from '@rostrum/data-access';
import type { Knex } from 'knex';

const schema = 'posts';

/** Ids are UUIDv7, made by the app: they sort by time, so an index on the id is one on "newest first" too. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table profiles (
      user_id    uuid primary key,
      username   text not null,
      created_at timestamptz not null,
      followers  integer not null default 0 check (followers >= 0),
      following  integer not null default 0 check (following >= 0),
      constraint profiles_username_key unique (username)
    )`);
  await knex.raw(`
    create table posts (
      id         uuid primary key,
      author_id  uuid not null references profiles,
      text       text not null,
      created_at timestamptz not null,
      version    integer not null default 1 check (version > 0)
    )`);
  // An author's newest posts are read from this index alone; feeds are merged from it.
  await knex.raw('create index posts_of_author on posts (author_id, id desc)');
  await knex.raw(`
    create table follows (
      follower_id uuid not null references profiles,
      followee_id uuid not null references profiles,
      created_at  timestamptz not null default now(),
      primary key (follower_id, followee_id),
      constraint follows_not_oneself check (follower_id <> followee_id)
    )`);
  await knex.raw('create index followers_of on follows (followee_id, follower_id)');
  await createOutboxTable(knex, schema);
  await createInboxTable(knex, schema);
}

export async function down(knex: Knex): Promise<void> {
  await dropInboxTable(knex, schema);
  await dropOutboxTable(knex, schema);
  await knex.raw('drop table follows, posts, profiles');
}
