import type { Cache, Glance } from '@rostrum/data-access';
import type { PersonState } from './decide';
import { KeptMap } from './kept-map';
import type { PeopleRepository } from './people.repository';

const authorsRemembered = { entries: 25_000, weight: Infinity };

const privateBit = 1;
const goneBit = 2;
/** Every state that there is, so that reading one makes nothing. */
const states: readonly PersonState[] = [0, privateBit, goneBit, privateBit | goneBit].map((bits) => ({
  isPrivate: (bits & privateBit) !== 0,
  isGone: (bits & goneBit) !== 0,
}));
const gone = states[goneBit] as PersonState;

export function personState(isPrivate: boolean, isGone: boolean): PersonState {
  return states[bitsOf(isPrivate, isGone)] ?? gone;
}

function bitsOf(isPrivate: boolean, isGone: boolean): number {
  return (isPrivate ? privateBit : 0) | (isGone ? goneBit : 0);
}

/** Of whom there is no profile, there is nothing to be seen. */
export function stateIn(packed: Buffer | undefined): PersonState {
  return packed === undefined ? gone : (states[(packed[0] ?? 0) - 48] ?? gone);
}

/**
 * Who is private, suspended or gone: one small value per person, and not a part of each of their posts, so that a
 * change of it is one change whatever they have written. Changes go through `change`.
 */
export class People {
  /** Who wrote what never changes, so that it may be remembered here and the author asked for along with the post. */
  private readonly authors = new KeptMap<string>(authorsRemembered);

  constructor(
    private readonly people: PeopleRepository,
    private readonly cache: Pick<Cache, 'getOrLoadBytes' | 'glanceAt' | 'change' | 'invalidate'>,
  ) {}

  authorOf(postId: string): string | undefined {
    return this.authors.get(postId)?.value;
  }

  rememberAuthor(postId: string, authorId: string): void {
    this.authors.set(postId, authorId);
  }

  async stateOf(userId: string, signal?: () => AbortSignal): Promise<PersonState> {
    return stateIn(await this.read(userId, signal));
  }

  /** What `stateIn` makes a state of: a promise less on the hottest path there is. */
  read(userId: string, signal?: () => AbortSignal): Promise<Buffer | undefined> {
    const load = async (abandoned: () => AbortSignal) => {
      const row = await this.people.stateOf(userId, { lateSignal: abandoned });
      return row && String(bitsOf(row.is_private, row.is_gone));
    };
    return this.cache.getOrLoadBytes(userId, load, signal && { signal });
  }

  /** The same as `read`, where it is in the cache. */
  glanceAt(userId: string, glance: Glance): void {
    this.cache.glanceAt(userId, glance);
  }

  /** Makes a change of somebody's state. When it resolves, everybody's reads know of it. */
  change<T>(userIds: readonly string[], work: () => Promise<T>): Promise<T> {
    return this.cache.change(userIds, work);
  }

  /** The same for a change that has been made already. Never rejects. */
  forget(userIds: readonly string[]): Promise<void> {
    return this.cache.invalidate(...userIds);
  }
}
