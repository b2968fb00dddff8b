import type { MigrationMap } from '../src';
import { createInboxTable, createOutboxTable } from '../src';

/** A schema for these tests: rows to write, an outbox and an inbox. */
export const thingsMigrations: MigrationMap = {
  '20260101000000-create-things': {
    up: async (knex) => {
      await knex.schema.createTable('things', (table) => {
        table.increments('id');
        table.text('name').notNullable().unique('things_name_key');
        table.integer('size').notNullable().defaultTo(0);
      });
    },
  },
  '20260102000000-create-events': {
    up: async (knex) => {
      await createOutboxTable(knex, 'alpha');
      await createInboxTable(knex, 'alpha');
    },
  },
};
