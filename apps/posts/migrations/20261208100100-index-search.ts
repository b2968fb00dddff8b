import type { Knex } from 'knex';

/** A million posts take minutes. */
export const config = { transaction: false, statementTimeoutMs: 3_600_000 };

const batch = 1_000;

/**
 * What is new waits in a list until there is enough of it to be sorted in: a short one, since whoever fills it up waits
 * until it is done, and each search goes through it.
 */
const posts = 'gin (words) with (gin_pending_list_limit = 1024)';

const indexes = {
  posts_by_words: `posts using ${posts}`,
  people_by_names: 'profiles using gin (posts.search_name(username, display_name) extensions.gin_trgm_ops)',
  people_by_start: 'profiles (username collate "C")',
  tags_by_start: 'post_tags (tag collate "C")',
};

export async function up(knex: Knex): Promise<void> {
  await fillWords(knex);
  for (const [name, what] of Object.entries(indexes)) {
    await knex.raw(`create index concurrently if not exists ${name} on ${what}`);
  }
}

export async function down(knex: Knex): Promise<void> {
  for (const name of Object.keys(indexes)) await knex.raw(`drop index concurrently if exists ${name}`);
}

/** Posts of before the trigger, from the first on. */
async function fillWords(knex: Knex): Promise<void> {
  let after: string | undefined = '00000000-0000-0000-0000-000000000000';
  while (after !== undefined) {
    const { rows }: { rows: { last: string | null }[] } = await knex.raw(
      `with part as (select id from posts where id > ? order by id limit ${batch}),
            filled as (update posts set words = posts.search_words(text) from part
                        where posts.id = part.id and words is null)
       select max(id::text) as last from part`,
      [after],
    );
    after = rows[0]?.last ?? undefined;
  }
}
