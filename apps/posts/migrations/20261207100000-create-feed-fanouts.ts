import type { Knex } from 'knex';

/**
 * Posts on their way into the timelines of those who follow their authors, and how far each has come. Authors whom too
 * many follow for that are noted: their posts are read where they are, by everybody.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table feed_fanouts (
      post_id    uuid primary key,
      author_id  uuid not null,
      created_at timestamptz not null,
      tells_author_is_pulled boolean not null default false,
      after      uuid not null default '00000000-0000-0000-0000-000000000000',
      batches    integer not null default 0
    )`);
  await knex.raw('create index feed_fanouts_next on feed_fanouts (batches, post_id)');
  await knex.raw(`
    create table feed_pulled_authors (
      author_id uuid primary key,
      since     timestamptz not null default now()
    )`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table feed_pulled_authors, feed_fanouts');
}
