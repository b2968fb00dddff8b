import type { Knex } from 'knex';

/** When a session's owner has last shown a second factor in it, besides at its beginning. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table sessions add column stepped_up_at timestamptz');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table sessions drop column stepped_up_at');
}
