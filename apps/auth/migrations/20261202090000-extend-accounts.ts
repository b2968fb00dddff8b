import type { Knex } from 'knex';

/**
 * Addresses are sealed with each person's key and found by a keyed hash. They are unique among the verified ones only:
 * that somebody has typed an address shows nothing, and must not keep its owner out. `email` is what rows from before
 * have, until a worker has sealed it.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table users
      alter column email drop not null,
      add column email_sealed bytea,
      add column email_index bytea,
      add column email_verified_at timestamptz,
      add column pending_email_sealed bytea,
      add column pending_email_index bytea,
      add column version integer not null default 1,
      -- Raised by whatever must stop a sign-in that has already looked: a new password, a suspension.
      add column credentials_version integer not null default 1,
      add column suspended_at timestamptz,
      add column deletion_requested_at timestamptz,
      add column purge_after timestamptz;

    -- Which of the service's secrets the hash was peppered with; null for hashes from before there was one.
    alter table passwords add column pepper text;
  `);
}

/** Fails, and changes nothing, once an address has been sealed: there is no way back from that. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table users
      alter column email set not null,
      drop column email_sealed, drop column email_index, drop column email_verified_at,
      drop column pending_email_sealed, drop column pending_email_index, drop column version,
      drop column credentials_version,
      drop column suspended_at, drop column deletion_requested_at, drop column purge_after;
    alter table passwords drop column pepper;
  `);
}
