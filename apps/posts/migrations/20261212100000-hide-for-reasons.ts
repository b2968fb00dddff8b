import type { Knex } from 'knex';

/** Why an account is out of sight since `suspended_at`: whichever reason goes, the others still hold. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`alter table profiles add column hidden_for text[] not null default '{}'`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table profiles drop column hidden_for');
}
