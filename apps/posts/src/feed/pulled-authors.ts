import { createGatheredRead, type Queryable, type QueryOptions } from '@rostrum/data-access';
import type { ChangeLog, LogPosition } from '../visibility/change-log';
import { placeOfSubject, pulledAuthors } from '../visibility/change-times';
import type { Reading } from './timelines';

/** Authors by the ends of their ids, which is what timelines have of those who are followed. */
export type AuthorsByTail = ReadonlyMap<number, readonly string[]>;

interface Known {
  authors: AuthorsByTail;
  position: LogPosition;
}

const places = Uint32Array.of(placeOfSubject(pulledAuthors));
const everybody = 0;
const tailDigits = 8;

/** Those whose posts are brought to nobody, but are looked for where they are. There are few, and none ends to be one. */
export class PulledAuthors {
  private readonly load: (key: number, options: QueryOptions) => Promise<{ authors: string } | undefined>;
  private known: Known | undefined;

  constructor(
    db: Queryable,
    private readonly log: Pick<ChangeLog, 'areUnchanged'>,
  ) {
    // All who ask in one turn are one question.
    this.load = createGatheredRead<number, { key: number; authors: string }>({
      db,
      name: 'pulled_authors',
      text: `select key, coalesce(string_agg(author_id::text, ' '), '') as authors
               from unnest($1::int[]) key left join feed_pulled_authors on true group by key`,
      keyOf: ({ key }) => key,
    });
  }

  async all({ position, signal }: Reading): Promise<AuthorsByTail> {
    const { known } = this;
    if (known && position !== undefined && this.log.areUnchanged(known.position, places)) {
      known.position = position;
      return known.authors;
    }
    const row = await this.load(everybody, { signal: signal() });
    const authors = byTail(row?.authors.split(' ') ?? []);
    // From before they were asked for: what has changed meanwhile ends it.
    if (position !== undefined) this.known = { authors, position };
    return authors;
  }
}

function byTail(ids: readonly string[]): AuthorsByTail {
  return Map.groupBy(
    ids.filter((id) => id !== ''),
    (id) => Number.parseInt(id.slice(-tailDigits), 16),
  );
}
