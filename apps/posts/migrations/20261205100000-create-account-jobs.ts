import type { Knex } from 'knex';

/** What the worker has to do about accounts, some at a time. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table account_jobs (
      user_id    uuid not null,
      kind       text not null check (kind in ('refresh', 'welcome', 'erase')),
      created_at timestamptz not null default now(),
      primary key (user_id, kind)
    )`);
  await knex.raw('create index account_jobs_oldest on account_jobs (created_at, user_id, kind)');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table account_jobs');
}
