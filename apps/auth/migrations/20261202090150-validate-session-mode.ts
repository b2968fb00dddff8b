import type { Knex } from 'knex';

/** Reads every session, and keeps nobody from reading and writing them meanwhile. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table sessions validate constraint sessions_mode_check');
}

export async function down(): Promise<void> {
  // A constraint that holds does no harm.
}
