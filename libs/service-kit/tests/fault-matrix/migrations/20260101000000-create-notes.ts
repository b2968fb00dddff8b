import { createInboxTable, createLeaseTables, createOutboxTable } from '@rostrum/data-access';
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw('create table notes (id text primary key, text text not null)');
  await knex.raw('create table seen_notes (id text not null)');
  await createOutboxTable(knex, 'posts');
  await createInboxTable(knex, 'posts');
  await createLeaseTables(knex, 'posts');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop schema posts cascade');
}
