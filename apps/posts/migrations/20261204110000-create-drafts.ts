import type { Knex } from 'knex';

/** Posts to be, some of which the worker publishes at their time. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table drafts (
      id         uuid primary key,
      author_id  uuid not null references profiles,
      text       text not null,
      reply_to   uuid,
      quote_of   uuid,
      visibility text check (visibility in ('public', 'followers', 'mentioned')),
      publish_at timestamptz,
      due_at     timestamptz,
      failure    text,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      version    integer not null default 1 check (version > 0)
    )`);
  await knex.raw('create index drafts_of_author on drafts (author_id, id desc)');
  // When the worker looks at it next: a little after its time, where something failed that may go by.
  await knex.raw('create index due_drafts on drafts (due_at) where due_at is not null');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table drafts');
}
