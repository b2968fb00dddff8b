import type { Knex } from 'knex';

/**
 * A session is a family of refresh tokens of which one is good at a time: its generation and its keyed hash are here.
 * `rotations` has the times of the last few, to tell requests at the same time from a token that is used again. What
 * changes with each refresh is in no index, so that PostgreSQL updates the row in place.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table sessions
      add column generation integer not null default 0,
      add column token_hash bytea,
      add column rotations timestamptz[] not null default '{}',
      add column parent_spared boolean not null default false,
      add column used_at timestamptz not null default now(),
      add column ends_at timestamptz,
      add column ended_at timestamptz,
      add column ended_because text,
      add column mode text not null default 'bearer',
      add column methods text[] not null default '{pwd}',
      add column client text,
      add column address_sealed bytea,
      add constraint sessions_mode_check check (mode in ('bearer', 'cookie')) not valid;
    alter table sessions set (fillfactor = 80);

    create table one_time_tokens (
      id uuid primary key,
      user_id uuid not null references users on delete cascade,
      purpose text not null,
      email_index bytea,
      created_at timestamptz not null default now(),
      expires_at timestamptz not null,
      used_at timestamptz
    );
    create index one_time_tokens_user_id_idx on one_time_tokens (user_id);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table one_time_tokens;
    alter table sessions
      drop column generation, drop column token_hash, drop column rotations, drop column parent_spared,
      drop column used_at, drop column ends_at, drop column ended_at, drop column ended_because,
      drop column mode, drop column methods, drop column client, drop column address_sealed;
  `);
}
