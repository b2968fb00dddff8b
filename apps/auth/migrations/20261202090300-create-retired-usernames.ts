import type { Knex } from 'knex';

/** Names of people who are gone for good, as keyed hashes: nobody else can be them, and nobody can read who they were. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table retired_usernames (
      name_index bytea primary key,
      retired_at timestamptz not null default now()
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table retired_usernames');
}
