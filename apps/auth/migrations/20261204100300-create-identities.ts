import type { Knex } from 'knex';

/** Who people are elsewhere, by a keyed hash: that is enough to know them again. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table identities (
      provider text not null,
      subject_hash bytea not null,
      user_id uuid not null references users on delete cascade,
      linked_at timestamptz not null default now(),
      primary key (provider, subject_hash),
      unique (user_id, provider)
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table identities');
}
