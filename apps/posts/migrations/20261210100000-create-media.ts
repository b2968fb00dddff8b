import type { Knex } from 'knex';

/**
 * Uploaded pictures, and the objects in the store that are to be removed. A picture names its post without a foreign
 * key: whoever removes the post also notes which objects go.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table media (
      id            uuid primary key,
      owner_id      uuid not null references profiles,
      type          text not null,
      bytes         integer not null check (bytes > 0),
      alt           text not null,
      width         integer check (width > 0),
      height        integer check (height > 0),
      post_id       uuid,
      is_avatar     boolean not null default false,
      completing_at timestamptz,
      completed_at  timestamptz,
      touched_at    timestamptz not null default now(),
      created_at    timestamptz not null default now(),
      constraint media_completed_has_size
        check ((completed_at is null) = (width is null) and (width is null) = (height is null)),
      constraint media_used_is_completed
        check (completed_at is not null or (post_id is null and not is_avatar)),
      constraint media_used_once check (not (is_avatar and post_id is not null))
    )`);
  await knex.raw('create index media_of_owner on media (owner_id)');
  await knex.raw('create index media_of_post on media (post_id) where post_id is not null');
  await knex.raw('create index unused_media on media (touched_at) where post_id is null and not is_avatar');
  await knex.raw(`
    create table media_removals (
      object_key text primary key,
      due_at     timestamptz not null
    )`);
  await knex.raw('create index media_removals_due on media_removals (due_at)');
  await knex.raw(`alter table drafts add column media uuid[] not null default '{}'`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table drafts drop column media');
  await knex.raw('drop table media_removals, media');
}
