import type { Knex } from 'knex';

export const config = { transaction: false, statementTimeoutMs: 3_600_000 };

/** Tags of before the trigger. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('insert into tags (tag) select distinct tag from post_tags on conflict do nothing');
}

/** They go with their table. */
export async function down(): Promise<void> {
  // Nothing else knows of them.
}
