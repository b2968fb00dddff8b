import type { PeopleReader } from '../visibility/people-reader';
import { repostKey, type StandingReposts } from './feed.repository';
import type { HomeEntry } from './timeline';

/** Who has passed a post on. */
export interface Reposter {
  id: string;
  username: string;
}

interface Search {
  /** Where what is found is put, by its entry. */
  found: Map<HomeEntry, Reposter>;
  signal: () => AbortSignal;
}

/**
 * Which reposts hold for a viewer. Whether they stand is asked of PostgreSQL, all that are asked for in one turn of the
 * event loop at once: one that has been taken back is gone with that, whatever timelines say.
 */
export class Reposters {
  constructor(
    private readonly reposts: Pick<StandingReposts, 'find'>,
    private readonly people: Pick<PeopleReader, 'visible'>,
  ) {}

  /** Those that stand, of people whom the viewer sees there and has not muted. */
  async of(viewerId: string, entries: readonly HomeEntry[], { found, signal }: Search): Promise<void> {
    const ids = [...new Set(entries.map(({ reposterId = '' }) => reposterId))];
    const [visible, standing] = await Promise.all([
      this.people.visible(viewerId, ids, { place: 'home', signal }),
      Promise.all(
        entries.map(({ postId, reposterId = '' }) =>
          this.reposts.find(repostKey({ postId, reposterId }), { signal: signal() }),
        ),
      ),
    ]);
    for (const [index, entry] of entries.entries()) {
      const { id, username } = standing[index] ?? {};
      const { position, reposterId = '' } = entry;
      if (id === position && username !== undefined && visible.has(reposterId))
        found.set(entry, { id: reposterId, username });
    }
  }
}
