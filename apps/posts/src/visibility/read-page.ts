/** A place in a list. */
export interface Placed {
  /** What the list is ordered by. */
  position: string;
}

export interface PageRequest<E extends Placed> {
  /** The entries after a position (undefined: from the beginning), in order, so many at most. */
  source: (after: string | undefined, limit: number) => Promise<readonly E[]>;
  after: string | undefined;
  limit: number;
}

export interface Page<E extends Placed> {
  shown: E[];
  /** Where the next page begins; undefined where there is none. */
  next: string | undefined;
}

/** Reads on for so often where entries are left out. What then is missing is on the next page. */
const mostRounds = 6;
const mostInRound = 200;

/**
 * A page of what of a list is there for somebody: `visible` says which of these entries are. It ends at the last entry
 * that was looked at, shown or not: none is skipped or comes twice.
 */
export async function readPage<E extends Placed>(
  { source, after, limit }: PageRequest<E>,
  visible: (entries: readonly E[]) => Promise<ReadonlySet<E>>,
): Promise<Page<E>> {
  const shown: E[] = [];
  let position = after;
  for (let round = 0; round < mostRounds; round += 1) {
    const wanted = round === 0 ? limit : mostInRound;
    // One more than is looked at: whether the list goes on.
    const entries = await source(position, wanted + 1);
    const candidates = entries.slice(0, wanted);
    const seen = await visible(candidates);
    for (const entry of candidates) {
      if (shown.length === limit) return { shown, next: position };
      position = entry.position;
      if (seen.has(entry)) shown.push(entry);
    }
    if (entries.length <= wanted) return { shown, next: undefined };
    if (shown.length === limit) break;
  }
  return { shown, next: position };
}
