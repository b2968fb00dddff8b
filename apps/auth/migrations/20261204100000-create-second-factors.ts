import type { Knex } from 'knex';

/** What people show besides their password. Nothing in these tables is enough to make such a proof. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table totp_secrets (
      user_id uuid primary key references users on delete cascade,
      -- With the key of its person.
      sealed_secret bytea not null,
      created_at timestamptz not null default now(),
      -- Null until a first code has been shown.
      confirmed_at timestamptz,
      -- The last half-minute that a code was taken for: none is taken twice.
      last_step bigint not null default 0
    );

    create table recovery_codes (
      user_id uuid not null references users on delete cascade,
      code_hash bytea not null,
      used_at timestamptz,
      primary key (user_id, code_hash)
    );

    -- Proofs that have been begun: what whoever goes on has to show, by its hash.
    create table pending_proofs (
      token_hash bytea primary key,
      kind text not null,
      user_id uuid references users on delete cascade,
      state jsonb not null,
      expires_at timestamptz not null
    );
    create index pending_proofs_user_idx on pending_proofs (user_id) where user_id is not null;
    create index pending_proofs_expires_idx on pending_proofs (expires_at);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table pending_proofs, recovery_codes, totp_secrets');
}
