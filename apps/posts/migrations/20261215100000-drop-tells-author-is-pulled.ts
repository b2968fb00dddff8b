import type { Knex } from 'knex';

export const config = {
  contract: 'who is pulled is known when feeds are read; no version that was released has used the column',
};

export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table feed_fanouts drop column tells_author_is_pulled');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table feed_fanouts add column tells_author_is_pulled boolean not null default false');
}
