import type { Knex } from 'knex';
import { createLeaseTables, dropLeaseTables } from '../../src';

export async function up(knex: Knex): Promise<void> {
  await createLeaseTables(knex, 'alpha');
}

export async function down(knex: Knex): Promise<void> {
  await dropLeaseTables(knex, 'alpha');
}
