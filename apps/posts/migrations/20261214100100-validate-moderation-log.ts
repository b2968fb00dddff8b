import type { Knex } from 'knex';

const constraints = ['moderation_log_kind_check', 'moderation_log_decisions_have_reasons'];

/** Rows of before are looked through while others go on writing. */
export async function up(knex: Knex): Promise<void> {
  for (const constraint of constraints) {
    await knex.raw(`alter table moderation_log validate constraint ${constraint}`);
  }
}

/** Nothing can make a constraint unvalidated again, and nothing needs it. */
export async function down(): Promise<void> {
  // The migration before this one puts both back as they were.
}
