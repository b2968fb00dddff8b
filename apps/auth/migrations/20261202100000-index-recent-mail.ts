import type { Knex } from 'knex';

/** Beside those who cause mail. */
export const config = { transaction: false };

/** For how much mail somebody has been sent lately, or will be by a job that came before. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create index concurrently if not exists mail_jobs_recent_idx on mail_jobs (user_id, kind, created_at)`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index concurrently if exists mail_jobs_recent_idx');
}
