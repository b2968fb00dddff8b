import type { Knex } from 'knex';

/** Password hashes are in a table of their own, so that no query on users can ever carry one along. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table users (
      id uuid primary key,
      email text not null check (length(email) <= 254),
      username text not null unique check (username ~ '^[a-z0-9_]{3,30}$'),
      roles text[] not null default '{user}',
      created_at timestamptz not null default now()
    );
    create unique index users_email_key on users (lower(email));

    create table passwords (
      user_id uuid primary key references users on delete cascade,
      hash text not null,
      changed_at timestamptz not null default now()
    );

    create table sessions (
      id uuid primary key,
      user_id uuid not null references users on delete cascade,
      created_at timestamptz not null default now(),
      expires_at timestamptz not null
    );
    create index sessions_user_id_idx on sessions (user_id, created_at);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table sessions, passwords, users');
}
