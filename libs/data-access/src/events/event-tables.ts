import type { Knex } from 'knex';

/**
 * For a service's migrations: the table in which events wait to be published. A row stays for a while after that, so
 * that what Redis loses in a crash can be published anew.
 */
export async function createOutboxTable(knex: Knex, schema: string): Promise<void> {
  await knex.schema.withSchema(schema).createTable('outbox', (table) => {
    table.bigIncrements('position');
    table.uuid('id').notNullable();
    table.text('type').notNullable();
    table.integer('version').notNullable();
    table.text('key').notNullable();
    table.jsonb('payload').notNullable();
    table.text('traceparent');
    table.timestamp('occurred_at').notNullable().defaultTo(knex.fn.now());
    table.timestamp('published_at');
    table.text('entry_id');
  });
  // Every row is written twice and then removed: cleaning up must not wait for a fifth of the table to be dead.
  await knex.raw(
    `alter table ??.outbox set (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500)`,
    [schema],
  );
  await knex.raw('create index outbox_waiting on ??.outbox (position) where published_at is null', [schema]);
  await knex.raw('create index outbox_published on ??.outbox (published_at) where published_at is not null', [
    schema,
  ]);
}

export async function dropOutboxTable(knex: Knex, schema: string): Promise<void> {
  await knex.schema.withSchema(schema).dropTable('outbox');
}

/** For a service's migrations: the table of the events that it has handled, so that none takes effect twice. */
export async function createInboxTable(knex: Knex, schema: string): Promise<void> {
  await knex.schema.withSchema(schema).createTable('inbox', (table) => {
    table.text('consumer').notNullable();
    table.uuid('event_id').notNullable();
    table.timestamp('handled_at').notNullable().defaultTo(knex.fn.now());
    table.primary(['consumer', 'event_id']);
    table.index('handled_at');
  });
}

export async function dropInboxTable(knex: Knex, schema: string): Promise<void> {
  await knex.schema.withSchema(schema).dropTable('inbox');
}

/**
 * For a service's migrations: who handles which partition of which stream for this service, and who is there to do so.
 * `attempted` and `attempts` are of the event that its partition waits for.
 */
export async function createLeaseTables(knex: Knex, schema: string): Promise<void> {
  await knex.schema.withSchema(schema).createTable('event_leases', (table) => {
    table.text('stream').notNullable();
    table.text('event_group').notNullable();
    table.integer('partition').notNullable();
    table.text('owner');
    table.bigInteger('token').notNullable().defaultTo(0);
    table.timestamp('expires_at').notNullable().defaultTo(knex.fn.now());
    table.text('attempted');
    table.integer('attempts').notNullable().defaultTo(0);
    table.primary(['stream', 'event_group', 'partition']);
  });
  await knex.schema.withSchema(schema).createTable('event_members', (table) => {
    table.text('stream').notNullable();
    table.text('event_group').notNullable();
    table.text('member').notNullable();
    table.timestamp('expires_at').notNullable();
    table.primary(['stream', 'event_group', 'member']);
  });
}

export async function dropLeaseTables(knex: Knex, schema: string): Promise<void> {
  await knex.schema.withSchema(schema).dropTable('event_members').dropTable('event_leases');
}
