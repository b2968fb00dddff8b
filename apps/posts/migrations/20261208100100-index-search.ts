import type { Knex } from 'knex';

/** A million posts take minutes. */
export const config = { transaction: false, statementTimeoutMs: 3_600_000 };

/**
 * What is new waits in a list until there is enough of it to be sorted in: a short one, since whoever fills it up waits
 * until it is done, and each search goes through it. No posts are left out: of a part of them PostgreSQL would not know
 * how frequent the words are.
 */
const posts = 'gin (posts.search_words(text)) with (gin_pending_list_limit = 1024)';

const indexes = {
  posts_by_words: `posts using ${posts}`,
  people_by_names: 'profiles using gin (posts.search_name(username, display_name) extensions.gin_trgm_ops)',
  people_by_start: 'profiles (username collate "C")',
  tags_by_start: 'post_tags (tag collate "C")',
};

export async function up(knex: Knex): Promise<void> {
  for (const [name, what] of Object.entries(indexes)) {
    await knex.raw(`create index concurrently if not exists ${name} on ${what}`);
  }
}

export async function down(knex: Knex): Promise<void> {
  for (const name of Object.keys(indexes)) await knex.raw(`drop index concurrently if exists ${name}`);
}
