import { createInboxTable, createLeaseTables, dropInboxTable, dropLeaseTables } from '@rostrum/data-access';
import type { Knex } from 'knex';

/** Other services ask for mail. */
export async function up(knex: Knex): Promise<void> {
  await createInboxTable(knex, 'auth');
  await createLeaseTables(knex, 'auth');
}

export async function down(knex: Knex): Promise<void> {
  await dropLeaseTables(knex, 'auth');
  await dropInboxTable(knex, 'auth');
}
