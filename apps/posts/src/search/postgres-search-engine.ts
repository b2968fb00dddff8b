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
/** What no username begins with. */
const nobody = ' ';

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

  /** First those whose usernames begin so, a page of whom costs the same however many there are. */
  async people(name: string, page: SearchPage): Promise<PersonEntry[]> {
    const start = /^@?(?<start>[a-z0-9_]{1,30})$/i.exec(name.trim())?.groups?.start?.toLowerCase();
    const { score, username } = placeOf(page.after);
    const isAmongThese = start !== undefined && score === undefined;
    const found = isAmongThese ? await this.named(start, username, page) : [];
    const missing = page.limit - found.length;
    // One or two letters are as similar to most names as to any other.
    if (missing === 0 || (start !== undefined && start.length < 3)) return found;
    const after = score === undefined ? ['infinity', 'infinity', ''] : [score, score, username];
    const values = [name, name, start ?? nobody, ...after, missing];
    const statement = { text: similarPeopleStatement, values };
    return [...found, ...(await this.rows<PersonEntry>('search_people', statement, page))];
  }

  private named(start: string, after: string, page: SearchPage): Promise<PersonEntry[]> {
    const values = [start, endOf(start), after, page.limit];
    return this.rows('search_people_by_start', { text: peopleByStartStatement, values }, page);
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

/** A username alone is among those that begin as asked; with a score before it, among the similar ones after these. */
function placeOf(after = ''): { score: string | undefined; username: string } {
  const [first = '', second] = after.split(' ');
  return second === undefined ? { score: undefined, username: first } : { score: first, username: second };
}

/** What comes after everything that begins so, in the order of characters. */
function endOf(start: string): string {
  return start.slice(0, -1) + String.fromCharCode(start.charCodeAt(start.length - 1) + 1);
}
