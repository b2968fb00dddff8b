import type { Knex } from 'knex';

/** Beside those who register and sign in, whom an index that is built in a transaction would shut out. */
export const config = { transaction: false };

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create unique index concurrently if not exists users_verified_email_key
      on users (email_index) where email_verified_at is not null`);
  await knex.raw(`
    create index concurrently if not exists users_email_index_idx on users (email_index, created_at)`);
  await knex.raw(`
    create index concurrently if not exists users_purge_after_idx
      on users (purge_after) where purge_after is not null`);
}

export async function down(knex: Knex): Promise<void> {
  for (const index of ['users_verified_email_key', 'users_email_index_idx', 'users_purge_after_idx']) {
    await knex.raw(`drop index concurrently if exists ${index}`);
  }
}
