import type { Knex } from 'knex';

export const config = { transaction: false };

/** Replies and quotes of a post, what belongs to a thread, and what waits to be purged. */
const indexes = {
  replies_of_post: '(reply_to, id desc) where reply_to is not null',
  posts_of_thread: '(root_id, id) where root_id is not null',
  quotes_of_post: '(quote_of, id desc) where quote_of is not null',
  deleted_posts: '(deleted_at) where deleted_at is not null',
};

export async function up(knex: Knex): Promise<void> {
  for (const [name, columns] of Object.entries(indexes)) {
    await knex.raw(`create index concurrently if not exists ${name} on posts ${columns}`);
  }
}

export async function down(knex: Knex): Promise<void> {
  for (const name of Object.keys(indexes)) await knex.raw(`drop index concurrently if exists ${name}`);
}
