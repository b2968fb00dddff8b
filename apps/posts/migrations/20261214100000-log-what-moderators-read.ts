import type { Knex } from 'knex';

const before = ['claimed', 'released', 'hidden', 'restored', 'dismissed', 'upheld'];

/**
 * That a moderator has read what was not meant for them. `round`: which of the post's cases it was for; of nothing else, and
 * empty where there was none.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table moderation_log add column round integer');
  await check(knex, { kinds: [...before, 'read'], withoutReason: ['claimed', 'released', 'read'] });
}

/** What has been read stays: the log is append-only. */
export async function down(knex: Knex): Promise<void> {
  await check(knex, { kinds: before, withoutReason: ['claimed', 'released'] });
  await knex.raw('alter table moderation_log drop column round');
}

async function check(
  knex: Knex,
  { kinds, withoutReason }: { kinds: string[]; withoutReason: string[] },
): Promise<void> {
  const list = (words: readonly string[]) => words.map((word) => `'${word}'`).join(', ');
  await knex.raw(`
    alter table moderation_log
      drop constraint moderation_log_kind_check,
      drop constraint moderation_log_decisions_have_reasons,
      add constraint moderation_log_kind_check check (kind in (${list(kinds)})) not valid,
      add constraint moderation_log_decisions_have_reasons
        check ((reason is null) = (kind in (${list(withoutReason)}))) not valid`);
}
