import type { Knex } from 'knex';

/** What a post can be besides a text, how people can be to each other, and what they do with posts. */
export async function up(knex: Knex): Promise<void> {
  await extendProfiles(knex);
  await extendPosts(knex);
  await createPartsOfPosts(knex);
  await createRelations(knex);
  for (const table of ['likes', 'reposts', 'bookmarks']) await createReaction(knex, table);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table bookmarks, reposts, likes, follow_requests, mutes, blocks');
  await knex.raw('drop table post_versions, post_tags, post_mentions');
  await knex.raw(`
    alter table posts
      drop column visibility, drop column reply_to, drop column root_id, drop column quote_of,
      drop column facets, drop column media,
      drop column likes, drop column reposts, drop column replies, drop column quotes,
      drop column edited_at, drop column deleted_at, drop column hidden_at`);
  await knex.raw(`
    alter table profiles
      drop column display_name, drop column bio, drop column avatar_id,
      drop column is_private, drop column suspended_at, drop column deleted_at`);
}

async function extendProfiles(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table profiles
      add column display_name text,
      add column bio          text,
      add column avatar_id    uuid,
      add column is_private   boolean not null default false,
      add column suspended_at timestamptz,
      add column deleted_at   timestamptz`);
}

/** Other posts are named without a foreign key: an answer stays where it is when what it answers has been purged. */
async function extendPosts(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table posts
      add column visibility text not null default 'public',
      add column reply_to   uuid,
      add column root_id    uuid,
      add column quote_of   uuid,
      add column facets     jsonb not null default '[]',
      add column media      jsonb not null default '[]',
      add column likes      integer not null default 0,
      add column reposts    integer not null default 0,
      add column replies    integer not null default 0,
      add column quotes     integer not null default 0,
      add column edited_at  timestamptz,
      add column deleted_at timestamptz,
      add column hidden_at  timestamptz,
      add constraint posts_visibility_known
        check (visibility in ('public', 'followers', 'mentioned')) not valid,
      add constraint posts_counts_not_negative
        check (likes >= 0 and reposts >= 0 and replies >= 0 and quotes >= 0) not valid,
      add constraint posts_reply_has_root
        check ((reply_to is null) = (root_id is null)) not valid`);
}

async function createPartsOfPosts(knex: Knex): Promise<void> {
  await knex.raw(`
    create table post_mentions (
      post_id uuid not null references posts on delete cascade,
      user_id uuid not null,
      primary key (post_id, user_id)
    )`);
  await knex.raw('create index mentions_of_user on post_mentions (user_id, post_id desc)');
  await knex.raw(`
    create table post_tags (
      tag     text not null,
      post_id uuid not null references posts on delete cascade,
      primary key (post_id, tag)
    )`);
  await knex.raw('create index posts_with_tag on post_tags (tag, post_id desc)');
  await knex.raw(`
    create table post_versions (
      post_id   uuid not null references posts on delete cascade,
      version   integer not null check (version > 0),
      text      text not null,
      facets    jsonb not null default '[]',
      media     jsonb not null default '[]',
      edited_at timestamptz not null,
      primary key (post_id, version)
    )`);
}

/** Each has a UUIDv7, made by the app: lists of them are in the order in which they came. */
async function createRelations(knex: Knex): Promise<void> {
  const relations = [
    ['blocks', 'blocker_id', 'blocked_id'],
    ['mutes', 'muter_id', 'muted_id'],
    ['follow_requests', 'requester_id', 'target_id'],
  ] as const;
  for (const [table, from, to] of relations) {
    await knex.raw(`
      create table ${table} (
        ${from}    uuid not null references profiles,
        ${to}      uuid not null references profiles,
        id         uuid not null,
        created_at timestamptz not null default now(),
        primary key (${from}, ${to}),
        constraint ${table}_not_oneself check (${from} <> ${to})
      )`);
    await knex.raw(`create index ${table}_newest on ${table} (${from}, id desc)`);
    await knex.raw(`create index ${table}_other_way on ${table} (${to}, ${from})`);
  }
  await knex.raw('create index follow_requests_waiting on follow_requests (target_id, id desc)');
}

async function createReaction(knex: Knex, table: string): Promise<void> {
  await knex.raw(`
    create table ${table} (
      user_id    uuid not null references profiles,
      post_id    uuid not null references posts on delete cascade,
      id         uuid not null,
      created_at timestamptz not null default now(),
      primary key (user_id, post_id)
    )`);
  await knex.raw(`create index ${table}_of_post on ${table} (post_id, id desc)`);
  await knex.raw(`create index ${table}_of_user on ${table} (user_id, id desc)`);
}
