import type { Knex } from 'knex';

export const config = { transaction: false };

/** Lists of followers and of those who are followed, newest first. */
const indexes = {
  newest_followers: '(followee_id, created_at desc, follower_id desc)',
  newest_followed: '(follower_id, created_at desc, followee_id desc)',
};

export async function up(knex: Knex): Promise<void> {
  for (const [name, columns] of Object.entries(indexes)) {
    await knex.raw(`create index concurrently if not exists ${name} on follows ${columns}`);
  }
}

export async function down(knex: Knex): Promise<void> {
  for (const name of Object.keys(indexes)) await knex.raw(`drop index concurrently if exists ${name}`);
}
