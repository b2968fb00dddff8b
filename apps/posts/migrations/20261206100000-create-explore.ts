import type { Knex } from 'knex';

/**
 * What is explored: how much each post of the last days is reacted to, and the orders that were made of that, of which
 * each page names one. Both are made of other tables, and can be made again.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table explore_scores (
      post_id uuid primary key references posts on delete cascade,
      score   double precision not null
    )`);
  await knex.raw('create index explore_best on explore_scores (score desc, post_id desc)');
  await knex.raw(`
    create table explore_rankings (
      id       bigint generated always as identity primary key,
      post_ids uuid[] not null,
      tags     jsonb not null,
      swept_to uuid,
      made_at  timestamptz not null default now()
    )`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table explore_rankings, explore_scores');
}
