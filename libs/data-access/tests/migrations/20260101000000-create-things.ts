import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('things', (table) => {
    table.increments('id');
    table.text('name').notNullable().unique('things_name_key');
    table.integer('size').notNullable().defaultTo(0);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('things');
}
