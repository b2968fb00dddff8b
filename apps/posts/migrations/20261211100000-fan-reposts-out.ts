import type { Knex } from 'knex';

/** Reposts are on their way like posts: the id is theirs then, and this is of the post that is passed on. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table feed_fanouts add column reposted_id uuid');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table feed_fanouts drop column reposted_id');
}
