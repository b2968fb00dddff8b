import type { Knex } from 'knex';

/** Keys are in the database only as others have encrypted them: data keys by the master key, users' keys by a data key. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table data_keys (
      id uuid primary key,
      -- The newest one encrypts; two can never be it at once.
      generation integer not null unique,
      master_key_id text not null,
      wrapped_key bytea not null,
      created_at timestamptz not null default now()
    );

    -- Without a reference to users: what is left to be told of somebody who is gone is sealed too.
    create table user_keys (
      user_id uuid primary key,
      sealed_key bytea not null,
      created_at timestamptz not null default now()
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table user_keys, data_keys');
}
