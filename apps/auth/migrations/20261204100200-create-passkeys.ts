import type { Knex } from 'knex';

/** Only public halves of keys: what is here lets nobody in. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table passkeys (
      id uuid primary key,
      user_id uuid not null references users on delete cascade,
      credential_id bytea not null unique,
      public_key bytea not null,
      -- Where the authenticator counts its uses: a use that does not count on is one of a copy.
      counter bigint not null,
      transports text[] not null default '{}',
      backed_up boolean not null,
      name text not null check (length(name) between 1 and 64),
      created_at timestamptz not null default now(),
      used_at timestamptz
    );
    create index passkeys_user_idx on passkeys (user_id);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table passkeys');
}
