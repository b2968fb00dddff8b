import type { Database, QueryOptions } from '@rostrum/data-access';
import type { Policy } from '@rostrum/resilience';
import type { PersonEntry } from '../visibility/people-pages';
import type { Placed } from '../visibility/read-page';
import type { SearchEngine, SearchPage, TagFound } from './search-engine';
import type { SearchQuery } from './search-query';
import {
  peopleByStartStatement,
  postsStatement,
  similarPeopleStatement,
  similarTagsStatement,
  tagsByStartStatement,
} from './search-statements';

const newest = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
/** A tag is found where one of so many of its posts is seen. */
const postsOfTag = 5;
/** What no username begins with. */
const nobody = ' ';
const fewestCompared = 3;
const beforeAll = ['infinity', 'infinity', ''];

/** A list of what begins as asked, where that can be, and after it of what is similar. */
interface TwoParts<E> {
  start: string | undefined;
  begin: (start: string, after: string, limit: number) => Promise<E[]>;
  /** After a score, twice, and a name. */
  goOn: (after: readonly string[], limit: number) => Promise<E[]>;
}

/** PostgreSQL's own full text and trigrams. Statements have little time, and few of them run at once. */
export class PostgresSearchEngine implements SearchEngine {
  constructor(
    private readonly database: Pick<Database, 'knex' | 'run'>,
    private readonly policy: Pick<Policy, 'execute'>,
  ) {}

  async posts(query: SearchQuery, { after = newest, ...page }: SearchPage): Promise<string[]> {
    if (query.length === 0) return [];
    const asked = JSON.stringify(query);
    const values = [asked, after, page.limit, after, asked, page.limit];
    const rows = await this.rows<{ id: string }>('search_posts', { text: postsStatement, values }, page);
    return rows.map(({ id }) => id);
  }

  people(name: string, page: SearchPage): Promise<PersonEntry[]> {
    const start = /^@?(?<start>[a-z0-9_]{1,30})$/i.exec(name.trim())?.groups?.start?.toLowerCase();
    return this.list<PersonEntry>(page, {
      start,
      begin: (first, after, limit) => {
        const values = [first, endOf(first), after, limit];
        return this.rows('search_people_by_start', { text: peopleByStartStatement, values }, page);
      },
      goOn: (after, limit) => {
        const values = [name, name, start ?? nobody, ...after, limit];
        return this.rows('search_people', { text: similarPeopleStatement, values }, page);
      },
    });
  }

  tags(start: string, page: SearchPage): Promise<TagFound[]> {
    return this.list<TagFound>(page, {
      start,
      begin: (first, after, limit) => {
        const values = [first, after, first, first, limit, postsOfTag];
        return this.rows('search_tags_by_start', { text: tagsByStartStatement, values }, page);
      },
      goOn: (after, limit) => {
        const values = [start, start, start, ...after, limit, postsOfTag];
        return this.rows('search_tags', { text: similarTagsStatement, values }, page);
      },
    });
  }

  /** First what begins so, a page of which costs the same however much there is; then what is similar. */
  private async list<E extends Placed>(page: SearchPage, { start, begin, goOn }: TwoParts<E>): Promise<E[]> {
    const { score, name } = placeOf(page.after);
    const isAmongFirst = start !== undefined && score === undefined;
    const found = isAmongFirst ? await begin(start, name, page.limit) : [];
    const missing = page.limit - found.length;
    // So few letters are as similar to most names as to any other.
    if (missing === 0 || (start !== undefined && [...start].length < fewestCompared)) return found;
    const after = score === undefined ? beforeAll : [score, score, name];
    return [...found, ...(await goOn(after, missing))];
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

/** A name alone is among those that begin as asked; with a score before it, among the similar ones after these. */
function placeOf(after = ''): { score: string | undefined; name: string } {
  const [first = '', second] = after.split(' ');
  return second === undefined ? { score: undefined, name: first } : { score: first, name: second };
}

/** What comes after everything that begins so, in the order of characters. */
function endOf(start: string): string {
  return start.slice(0, -1) + String.fromCharCode(start.charCodeAt(start.length - 1) + 1);
}
