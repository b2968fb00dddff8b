import type { Database, QueryOptions } from '@rostrum/data-access';
import type { Policy } from '@rostrum/resilience';
import type { PersonEntry } from '../visibility/people-pages';
import type { SearchEngine, SearchPage, TagFound } from './search-engine';
import type { SearchQuery } from './search-query';
import {
  peopleByStartStatement,
  postsStatement,
  similarPeopleStatement,
  tagsStatement,
} from './search-statements';

const newest = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
/** A tag is found where one of so many of its posts is seen. */
const postsOfTag = 5;
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
