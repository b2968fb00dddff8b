import type { Knex } from 'knex';

/** What every service refuses though it has not expired. Rows go when what they are about has expired by itself. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table revocations (
      position bigint generated always as identity primary key,
      kind text not null check (kind in ('session', 'subject', 'key')),
      target text not null,
      -- Milliseconds since 1970, as tokens and caches count.
      revoked_at bigint not null,
      expires_at bigint not null,
      written_at timestamptz not null default clock_timestamp()
    );
    create index revocations_written_at_idx on revocations (written_at);
    create index revocations_expires_at_idx on revocations (expires_at);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table revocations');
}
