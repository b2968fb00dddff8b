import type { Knex } from 'knex';

/** Who does not want to be seen. In PostgreSQL: a Redis that comes back empty must not give anybody away. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table invisible_people (
      user_id uuid primary key,
      since   timestamptz not null default now()
    )`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table invisible_people');
}
