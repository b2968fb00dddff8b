import type { Knex } from 'knex';

/** What handlers in tests do: one row each time, in the order in which it happens. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('effects', (table) => {
    table.bigIncrements('position');
    table.text('key').notNullable();
    table.text('name').notNullable();
    table.text('member').notNullable();
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('effects');
}
