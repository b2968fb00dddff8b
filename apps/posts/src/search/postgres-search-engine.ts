import type { Database, QueryOptions } from '@rostrum/data-access';
import type { Policy } from '@rostrum/resilience';
import type { PersonEntry } from '../visibility/people-pages';
import type { SearchEngine, SearchPage, TagFound } from './search-engine';
import type { SearchQuery } from './search-query';

const newest = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
/** A tag is found where one of so many of its posts is seen. */
const postsOfTag = 5;

/**
 * None of these is prepared: PostgreSQL plans each for what is asked. Of a word that is rare it takes the posts from the
 * index of words; of one that most posts have, it goes through the posts from the newest on and is done sooner.
 */
const postsStatement = `
  select id from posts
   where posts.search_words(text) @@ posts.search_query(?::jsonb) and deleted_at is null and id < ?::uuid
   order by id desc limit ?`;

const nameOf = 'posts.search_name(username, display_name)';
const nameAsked = 'posts.search_name(?, null)';

const similarPeopleStatement = `
  select id, score::text || ' ' || username as position
    from (select user_id as id, username, extensions.word_similarity(${nameAsked}, ${nameOf}) as score
            from profiles where ${nameOf} operator(extensions.%>) ${nameAsked}) found
   where score < ?::real or (score = ?::real and username collate "C" > ?)
   order by score desc, username collate "C" limit ?`;

/** Similarity says nothing of so few letters: most names would be as similar as each other. */
const peopleByStartStatement = `
  select user_id as id, '1 ' || username as position from profiles
   where username collate "C" >= ? and username collate "C" < ? and username collate "C" > ?
   order by username collate "C" limit ?`;

/** From one tag to the next in the index, however many posts are between. */
const tagsStatement = `
  with recursive found as (
    select tag from (
      select tag from post_tags where tag collate "C" >= ? and tag collate "C" > ?
       order by tag collate "C" limit 1) first
     where starts_with(tag, ?)
    union all
    select next.tag from found, lateral (
      select tag from post_tags where tag collate "C" > found.tag order by tag collate "C" limit 1) next
     where starts_with(next.tag, ?)),
  page as materialized (select tag from found limit ?)
  select tag, tag as position,
         array(select post_id::text from post_tags p where p.tag = page.tag order by post_id desc limit ?) as "postIds"
    from page order by tag collate "C"`;

const before = { score: 'infinity', username: '' };

/** PostgreSQL's own full text and trigrams. Statements have little time, and few of them run at once. */
export class PostgresSearchEngine implements SearchEngine {
  constructor(
    private readonly database: Pick<Database, 'knex' | 'run'>,
    private readonly policy: Pick<Policy, 'execute'>,
  ) {}

  async posts(query: SearchQuery, { after = newest, ...page }: SearchPage): Promise<string[]> {
    if (query.length === 0) return [];
    const values = [JSON.stringify(query), after, page.limit];
    const rows = await this.rows<{ id: string }>('search_posts', { text: postsStatement, values }, page);
    return rows.map(({ id }) => id);
  }

  people(name: string, page: SearchPage): Promise<PersonEntry[]> {
    const start = /^@?(?<letters>[a-z0-9_]{1,2})$/i.exec(name.trim())?.groups?.letters;
    const { score, username } = placeOf(page.after);
    if (start !== undefined) {
      const first = start.toLowerCase();
      const values = [first, endOf(first), username, page.limit];
      return this.rows('search_people_by_start', { text: peopleByStartStatement, values }, page);
    }
    const values = [name, name, score, score, username, page.limit];
    return this.rows('search_people', { text: similarPeopleStatement, values }, page);
  }

  tags(start: string, { after = '', ...page }: SearchPage): Promise<TagFound[]> {
    const values = [start, after, start, start, page.limit, postsOfTag];
    return this.rows('search_tags', { text: tagsStatement, values }, page);
  }

  private rows<T extends object>(
    name: string,
    { text, values }: { text: string; values: (string | number)[] },
    { signal: callers }: QueryOptions,
  ): Promise<T[]> {
    const { database, policy } = this;
    return policy.execute(
      async ({ signal }) => (await database.run<T>(name, database.knex.raw(text, values), { signal })).rows,
      { signal: callers },
    );
  }
}

function placeOf(after: string | undefined): { score: string; username: string } {
  if (after === undefined) return before;
  const [score = '', username = ''] = after.split(' ');
  return { score, username };
}

/** What comes after everything that begins so, in the order of characters. */
function endOf(start: string): string {
  return start.slice(0, -1) + String.fromCharCode(start.charCodeAt(start.length - 1) + 1);
}
