import type { Knex } from 'knex';

/** Browsers that want to be woken up, and what they are to be told. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table push_subscriptions (
      id            uuid primary key,
      user_id       uuid not null,
      -- It ends with the session that made it.
      session_id    uuid not null,
      endpoint      text not null,
      -- An index of whole endpoints would be too large.
      endpoint_hash bytea not null unique,
      p256dh        text not null,
      auth          text not null,
      created_at    timestamptz not null default now()
    )`);
  await knex.raw('create index push_subscriptions_of on push_subscriptions (user_id, created_at)');
  await knex.raw('create index push_subscriptions_session on push_subscriptions (session_id)');
  await knex.raw(`
    create table push_messages (
      id              uuid primary key,
      subscription_id uuid not null references push_subscriptions on delete cascade,
      group_id        uuid not null references notification_groups on delete cascade,
      position        bigint not null,
      attempts        integer not null default 0,
      created_at      timestamptz not null default now(),
      due_at          timestamptz not null default now(),
      unique (subscription_id, group_id)
    )`);
  await knex.raw('create index push_messages_due on push_messages (due_at)');
  await knex.raw('create index push_messages_about on push_messages (group_id)');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table push_messages, push_subscriptions');
}
