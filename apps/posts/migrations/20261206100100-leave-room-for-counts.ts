import type { Knex } from 'knex';

/** Each like writes its post's row anew. With room in its page that touches none of the indexes. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table posts set (fillfactor = 90)');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table posts reset (fillfactor)');
}
