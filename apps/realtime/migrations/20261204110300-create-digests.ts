import { createOutboxTable, dropOutboxTable } from '@rostrum/data-access';
import type { Knex } from 'knex';

/** Who was written to on which day; and the events that ask for it. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table digests (
      user_id    uuid not null,
      -- Where the person is.
      day        date not null,
      made_at    timestamptz not null default now(),
      -- The position up to which the person has been told.
      up_to      bigint not null,
      primary key (user_id, day)
    )`);
  await knex.raw('create index digests_age on digests (made_at)');
  await createOutboxTable(knex, 'realtime');
}

export async function down(knex: Knex): Promise<void> {
  await dropOutboxTable(knex, 'realtime');
  await knex.raw('drop table digests');
}
