import { createOutboxTable, dropOutboxTable } from '@rostrum/data-access';
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await createOutboxTable(knex, 'auth');
}

export async function down(knex: Knex): Promise<void> {
  await dropOutboxTable(knex, 'auth');
}
