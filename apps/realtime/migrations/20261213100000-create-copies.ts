import type { Knex } from 'knex';

/** How far what other services had before this one began to listen has been copied. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table copies (
      name     text primary key,
      position text,
      done_at  timestamptz
    )`);
  await knex.raw(`insert into copies (name) values ('follows')`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table copies');
}
