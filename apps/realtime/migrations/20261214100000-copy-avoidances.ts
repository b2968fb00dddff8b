import type { Knex } from 'knex';

/** Blocks and mutes that were there before this service began to listen are copied as follows are. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`insert into copies (name) values ('blocks'), ('mutes')`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`delete from copies where name in ('blocks', 'mutes')`);
}
