import type { PeopleReader } from './people-reader';
import type { HowToShow } from './post-reader';

/** A place in a list of people, and who stands there. */
export interface PersonEntry {
  /** What the list is ordered by: the id of what they have done. */
  position: string;
  id: string;
}

export interface PeoplePageRequest<E extends PersonEntry> {
  /** The entries after a position (undefined: from the beginning), in order, so many at most. */
  source: (after: string | undefined, limit: number) => Promise<readonly E[]>;
  after: string | undefined;
  limit: number;
}

export interface PeoplePage<E extends PersonEntry> {
  shown: E[];
  /** Where the next page begins; undefined where there is none. */
  next: string | undefined;
}

/** Reads on for so often where people are left out. Who then is missing is on the next page. */
const mostRounds = 6;
const mostInRound = 200;

/** Pages of people, whatever list they are of: ids from an index, then who of them is there for the viewer. */
export class PeoplePages {
  constructor(private readonly people: Pick<PeopleReader, 'visible'>) {}

  /** The page ends at the last entry that was looked at, shown or not: none is skipped or comes twice. */
  async page<E extends PersonEntry>(
    viewerId: string,
    { source, after, limit }: PeoplePageRequest<E>,
    how: HowToShow,
  ): Promise<PeoplePage<E>> {
    const shown: E[] = [];
    let position = after;
    for (let round = 0; round < mostRounds; round += 1) {
      const wanted = round === 0 ? limit : mostInRound;
      // One more than is looked at: whether the list goes on.
      const entries = await source(position, wanted + 1);
      const candidates = entries.slice(0, wanted);
      const ids = candidates.map(({ id }) => id);
      const visible = await this.people.visible(viewerId, ids, how);
      for (const entry of candidates) {
        if (shown.length === limit) return { shown, next: position };
        position = entry.position;
        if (visible.has(entry.id)) shown.push(entry);
      }
      if (entries.length <= wanted) return { shown, next: undefined };
      if (shown.length === limit) break;
    }
    return { shown, next: position };
  }
}
