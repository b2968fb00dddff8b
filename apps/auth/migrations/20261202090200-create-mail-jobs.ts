import type { Knex } from 'knex';

/**
 * Mail that is to be sent, written in the transaction of its cause. A job names a person or the keyed hash of an
 * address; whom that means, and what the mail says, is found out when it is sent.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table mail_jobs (
      id uuid primary key,
      kind text not null,
      user_id uuid,
      email_index bytea,
      -- Where the address is no longer, or not yet, that of the account.
      to_sealed bytea,
      details jsonb not null default '{}',
      created_at timestamptz not null default now(),
      due_at timestamptz not null default now(),
      attempts integer not null default 0,
      done_at timestamptz,
      -- What became of it: sent, dropped or dead.
      outcome text check (outcome in ('sent', 'dropped', 'dead')),
      error text
    );
    create index mail_jobs_due_idx on mail_jobs (due_at) where done_at is null;
    create index mail_jobs_done_idx on mail_jobs (done_at) where done_at is not null;
    create index mail_jobs_user_idx on mail_jobs (user_id, kind, done_at) where outcome = 'sent';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table mail_jobs');
}
