import { createIdempotencyTable, dropIdempotencyTable } from '@rostrum/data-access';
import type { Knex } from 'knex';

/** Clients that repeat a write with its key get the first answer again. */
export async function up(knex: Knex): Promise<void> {
  await createIdempotencyTable(knex, 'auth');
}

export async function down(knex: Knex): Promise<void> {
  await dropIdempotencyTable(knex, 'auth');
}
