import type { Knex } from 'knex';

export const config = { transaction: false };

/** The few posts whose words are still to be found: a list that nobody has to write to. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(
    'create index concurrently if not exists posts_without_words on posts (id) where words_wait',
  );
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index concurrently if exists posts_without_words');
}
