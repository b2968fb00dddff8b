import { createLeaseTables, dropLeaseTables } from '@rostrum/data-access';
import type { Knex } from 'knex';

/** Workers share the partitions of the streams that they read. */
export async function up(knex: Knex): Promise<void> {
  await createLeaseTables(knex, 'realtime');
}

export async function down(knex: Knex): Promise<void> {
  await dropLeaseTables(knex, 'realtime');
}
