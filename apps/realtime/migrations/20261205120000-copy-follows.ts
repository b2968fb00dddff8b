import type { Knex } from 'knex';

/** Who follows whom, for telling followers at once. An ended one stays: what arrives late must not bring it back. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table follows (
      followee_id uuid not null,
      follower_id uuid not null,
      active      boolean not null,
      changed_at  timestamptz not null,
      primary key (followee_id, follower_id)
    )`);
  await knex.raw('create index follows_of_follower on follows (follower_id)');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table follows');
}
