import type { Knex } from 'knex';

/** Beside those who register and sign in. */
export const config = { transaction: false };

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create index concurrently if not exists users_username_prefix_idx on users (username text_pattern_ops)`);
  await knex.raw(`
    create index concurrently if not exists users_more_roles_idx on users (id) where roles <> '{user}'`);
  await knex.raw(`
    create index concurrently if not exists users_suspended_idx on users (id) where suspended_at is not null`);
}

export async function down(knex: Knex): Promise<void> {
  for (const index of ['users_username_prefix_idx', 'users_more_roles_idx', 'users_suspended_idx']) {
    await knex.raw(`drop index concurrently if exists ${index}`);
  }
}
