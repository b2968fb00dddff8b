import type { Knex } from 'knex';

/**
 * For a service's migrations: the keys with which clients have made their writes repeatable, and what was answered.
 * A row is written once, with the change that it stands for, and removed when it has expired.
 */
export async function createIdempotencyTable(knex: Knex, schema: string): Promise<void> {
  await knex.schema.withSchema(schema).createTable('idempotency_keys', (table) => {
    table.uuid('user_id').notNullable();
    table.text('operation').notNullable();
    table.text('key').notNullable();
    table.binary('fingerprint').notNullable();
    table.smallint('status').notNullable();
    table.specificType('headers', 'text[]').notNullable();
    table.text('body');
    table.timestamp('expires_at').notNullable();
    table.primary(['user_id', 'operation', 'key']);
    table.index('expires_at');
  });
}

export async function dropIdempotencyTable(knex: Knex, schema: string): Promise<void> {
  await knex.schema.withSchema(schema).dropTable('idempotency_keys');
}
