import type { Knex } from 'knex';

/**
 * Every tag that a post has, once: what is similar is looked for among these. Triggers keep it, so that nobody who tags
 * posts has to know of it, and nobody waits for others who use the same: for that, a tag whose last post goes while
 * another comes may be missing here until its next use, and one whose last two go at once may stay until then. Nobody
 * is shown a tag without a post.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('create table tags (tag text primary key)');
  await knex.raw(`
    create index tags_by_likeness on tags using gin (posts.search_name(tag, null) extensions.gin_trgm_ops)`);
  for (const make of [keepTags, forgetTags]) await knex.raw(make);
  await knex.raw(`
    create trigger post_tags_keep_tags after insert on post_tags referencing new table as written
    for each statement execute function posts.keep_tags()`);
  await knex.raw(`
    create trigger post_tags_forget_tags after delete on post_tags referencing old table as gone
    for each statement execute function posts.forget_tags()`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop trigger post_tags_forget_tags on post_tags');
  await knex.raw('drop trigger post_tags_keep_tags on post_tags');
  await knex.raw('drop function posts.forget_tags(), posts.keep_tags()');
  await knex.raw('drop table tags');
}

/** In their order, so that two who bring the same tags wait for each other and not both. */
const keepTags = `
  create function posts.keep_tags() returns trigger language plpgsql as $$
  begin
    insert into posts.tags (tag) select distinct tag from written order by tag on conflict do nothing;
    return null;
  end $$`;

const forgetTags = `
  create function posts.forget_tags() returns trigger language plpgsql as $$
  begin
    delete from posts.tags
     where tag in (select tag from gone) and not exists (select from posts.post_tags p where p.tag = tags.tag);
    return null;
  end $$`;
