import type { Knex } from 'knex';

/**
 * What is searched by is made here, the same for what is written and for what is asked. PostgreSQL's own parser takes
 * letters for what the locale of the server says they are, and reads addresses into a text; these do neither. Names are
 * complete: whoever keeps an index has no search path. Another way to see words is another function, with a column and
 * an index of its own.
 *
 * The words of a post are kept beside its text, by a trigger, so that nobody who writes posts has to know of it: to make
 * them anew for each post that is looked at would cost fifty times as much.
 */
export async function up(knex: Knex): Promise<void> {
  for (const make of [searchText, searchWords, searchPhrase, searchQuery, searchName, keepWords]) {
    await knex.raw(make);
  }
  await knex.raw('alter table posts add column words tsvector');
  await knex.raw(`
    create trigger posts_keep_words before insert or update of text on posts
    for each row execute function posts.keep_words()`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop trigger posts_keep_words on posts');
  await knex.raw('alter table posts drop column words');
  await knex.raw(`
    drop function posts.keep_words(), posts.search_name(text, text), posts.search_query(jsonb),
                  posts.search_phrase(text), posts.search_words(text), posts.search_text(text)`);
}

/** Scripts that put no space between words: each character is one. Thai to Myanmar, Khmer, kana, Han, Hangul. */
const unspaced =
  String.raw`\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff` +
  String.raw`\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff`;
/** Arrows to dingbats, and emoji. */
const symbols = String.raw`\u2190-\u2bff\U0001f000-\U0001faff`;

/** A text as its words in lower case with spaces between them, without accents. */
const searchText = String.raw`
  create function posts.search_text(text) returns text
  language plpgsql immutable strict parallel safe cost 200 as $$
  declare
    folded text;
  begin
    -- Of ASCII alone, as most texts are. To leave spaces alone is five times as fast as to make one of several.
    if octet_length($1) = length($1) then
      return regexp_replace(lower($1 collate "C"), '[^a-z0-9 ]+' collate "C", ' ', 'g');
    end if;
    folded := lower(normalize(regexp_replace(normalize($1, NFKD), '[\u0300-\u036f]+', '', 'g'), NFC));
    folded := regexp_replace(folded, '([${unspaced}${symbols}])', ' \1 ', 'g');
    return btrim(regexp_replace(folded, '[^[:alnum:]${symbols}]+', ' ', 'g'));
  end $$`;

/** The same with the places of the words. The server's parser is faster where it sees no numbers like 1e5. */
const searchWords = `
  create function posts.search_words(text) returns tsvector
  language plpgsql immutable strict parallel safe cost 300 as $$
  declare
    words text := posts.search_text($1);
  begin
    if octet_length(words) = length(words) and words !~ '[0-9]e[0-9]' collate "C" then
      return to_tsvector('pg_catalog.simple', words);
    end if;
    return (select coalesce(string_agg(left(word, 500) || ':' || least(place, 16383), ' '), '')::tsvector
              from regexp_split_to_table(btrim(words), ' +') with ordinality as each (word, place)
             where word <> '');
  end $$`;

/** The words of a text, one right after the other; null where there are none. */
const searchPhrase = `
  create function posts.search_phrase(text) returns tsquery
  language plpgsql immutable strict parallel safe cost 300 as $$
  begin
    return (select string_agg(quote_literal(left(word, 500)), ' <-> ' order by place)::tsquery
              from unnest(string_to_array(posts.search_text($1), ' ')) with ordinality as each (word, place)
             where word <> '');
  end $$`;

/**
 * Of alternatives, each a list of {text, excluded}: what of it has words. An alternative that only excludes is left out,
 * since that would be everything else; null where nothing remains.
 */
const searchQuery = `
  create function posts.search_query(jsonb) returns tsquery
  language plpgsql immutable strict parallel safe cost 1000 as $$
  declare
    alternative jsonb;
    term jsonb;
    phrase tsquery;
    wanted tsquery;
    unwanted tsquery;
    found tsquery;
  begin
    for alternative in select jsonb_array_elements($1) loop
      wanted := null;
      unwanted := null;
      for term in select jsonb_array_elements(alternative) loop
        phrase := posts.search_phrase(term ->> 'text');
        if phrase is null then
          continue;
        elsif (term ->> 'excluded')::boolean then
          unwanted := coalesce(unwanted || phrase, phrase);
        else
          wanted := coalesce(wanted && phrase, phrase);
        end if;
      end loop;
      wanted := coalesce(wanted && !!unwanted, wanted);
      found := coalesce(found || wanted, found, wanted);
    end loop;
    return found;
  end $$`;

/**
 * What trigrams are made of. On some servers they know ASCII alone, so every other letter is spelled with two of it:
 * which ones does not matter, as long as they are the same each time and differ between letters that are neighbours.
 */
const searchName = `
  create function posts.search_name(text, text) returns text
  language plpgsql immutable parallel safe cost 300 as $$
  declare
    words text := posts.search_text($1 || ' ' || coalesce($2, ''));
  begin
    if octet_length(words) = length(words) then
      return words;
    end if;
    return (select string_agg(case when octet_length(letter) = 1 then letter
                                   else chr(97 + (code % 26)::int) || chr(97 + (code / 26)::int) end,
                              '' order by place)
              from string_to_table(words, null) with ordinality as each (letter, place),
                   lateral (select ascii(letter)::bigint * 7919 % 676 as code) spelled);
  end $$`;

const keepWords = `
  create function posts.keep_words() returns trigger language plpgsql as $$
  begin
    new.words := posts.search_words(new.text);
    return new;
  end $$`;
