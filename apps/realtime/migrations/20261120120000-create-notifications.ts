import { createInboxTable, dropInboxTable } from '@rostrum/data-access';
import type { Knex } from 'knex';

/** Ids are UUIDv7, made by the app: an index on the id is one on "newest first" too. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table notifications (
      id             uuid primary key,
      recipient_id   uuid not null,
      kind           text not null,
      actor_id       uuid not null,
      actor_username text not null,
      created_at     timestamptz not null,
      read_at        timestamptz,
      constraint notifications_once unique (recipient_id, kind, actor_id)
    )`);
  await knex.raw('create index notifications_of on notifications (recipient_id, id desc)');
  await createInboxTable(knex, 'realtime');
}

export async function down(knex: Knex): Promise<void> {
  await dropInboxTable(knex, 'realtime');
  await knex.raw('drop table notifications');
}
