import type { Knex } from 'knex';
import { createInboxTable, createOutboxTable, dropInboxTable, dropOutboxTable } from '../../src';

export async function up(knex: Knex): Promise<void> {
  await createOutboxTable(knex, 'alpha');
  await createInboxTable(knex, 'alpha');
}

export async function down(knex: Knex): Promise<void> {
  await dropInboxTable(knex, 'alpha');
  await dropOutboxTable(knex, 'alpha');
}
