import type { Knex } from 'knex';

const constraints = ['posts_visibility_known', 'posts_counts_not_negative', 'posts_reply_has_root'];

/** Rows of before are looked through while others go on writing. */
export async function up(knex: Knex): Promise<void> {
  for (const constraint of constraints) {
    await knex.raw(`alter table posts validate constraint ${constraint}`);
  }
}

/** They go with their columns. */
export async function down(): Promise<void> {
  // Nothing can make a constraint unvalidated again, and nothing needs it.
}
