import type { Knex } from 'knex';

/**
 * Posts are written without their words where whoever writes them says so: the worker finds them a moment later, many
 * posts at a time, and until then a search looks at the texts. Whoever does not say so, as the version before, has them
 * found by the trigger as ever; and so has whoever changes a text.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table posts add column words_wait boolean not null default false');
  await knex.raw(keepWords(' new.words_wait := false;'));
  await knex.raw('drop trigger posts_keep_words on posts');
  await knex.raw(`
    create trigger posts_keep_words before insert on posts
    for each row when (not new.words_wait) execute function posts.keep_words()`);
  await knex.raw(`
    create trigger posts_renew_words before update of text on posts
    for each row execute function posts.keep_words()`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('update posts set words = posts.search_words(text) where words_wait');
  await knex.raw('drop trigger posts_renew_words on posts');
  await knex.raw('drop trigger posts_keep_words on posts');
  await knex.raw(keepWords(''));
  await knex.raw(`
    create trigger posts_keep_words before insert or update of text on posts
    for each row execute function posts.keep_words()`);
  await knex.raw('alter table posts drop column words_wait');
}

const keepWords = (andMore: string) => `
  create or replace function posts.keep_words() returns trigger language plpgsql as $$
  begin
    new.words := posts.search_words(new.text);${andMore}
    return new;
  end $$`;
