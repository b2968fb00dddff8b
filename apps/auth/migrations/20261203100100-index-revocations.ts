import type { Knex } from 'knex';

export const config = { transaction: false };

/** The last revocation of a user's tokens: the next one must reach further. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create index concurrently if not exists revocations_subject_idx
      on revocations (target, revoked_at) where kind = 'subject'`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index concurrently if exists revocations_subject_idx');
}
