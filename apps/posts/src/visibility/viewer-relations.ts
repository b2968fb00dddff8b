import type { Cache, Glance } from '@rostrum/data-access';
import type { RelationsRepository, RelationsRow } from './relations.repository';

/** What is kept of a viewer: the few whom they have blocked or muted, or who have blocked them. */
export interface Relations {
  blocked: ReadonlySet<string>;
  muted: ReadonlySet<string>;
  /** Whether that is all of them. Somebody whom thousands have blocked is asked about one by one. */
  whole: boolean;
}

type Signal = (() => AbortSignal) | undefined;

/** How many of either kind are kept under one key. Each is read with every post, so that they should be few. */
export const mostRelationsKept = 500;

const nobody: ReadonlySet<string> = new Set();
const none: Relations = { blocked: nobody, muted: nobody, whole: true };
const tooMany: Relations = { blocked: nobody, muted: nobody, whole: false };
const tooManyMark = '+';
const idLength = 36;

/** How viewers are to others. Changes of blocks and mutes go through `change`, so that they are seen at once. */
export class ViewerRelations {
  constructor(
    private readonly relations: RelationsRepository,
    private readonly cache: Pick<Cache, 'getOrLoadBytes' | 'glanceAt' | 'change'>,
  ) {}

  /** Read in the same turn as the posts that are asked for. */
  async of(viewerId: string, signal?: Signal): Promise<Relations> {
    return relationsIn(await this.read(viewerId, signal));
  }

  /** What `relationsIn` makes relations of: a promise less on the hottest path there is. */
  read(viewerId: string, signal?: Signal): Promise<Buffer | undefined> {
    const load = async (abandoned: () => AbortSignal) =>
      pack(await this.relations.ofViewer(viewerId, { lateSignal: abandoned }));
    return this.cache.getOrLoadBytes(viewerId, load, signal && { signal });
  }

  /** The same as `read`, where it is in the cache. */
  glanceAt(viewerId: string, glance: Glance): void {
    this.cache.glanceAt(viewerId, glance);
  }

  /** How the viewer is to one of the authors, given what is kept of the viewer. */
  async with(
    viewer: { id: string; relations: Relations },
    otherId: string,
    signal?: Signal,
  ): Promise<{ blocked: boolean; muted: boolean }> {
    const { id, relations } = viewer;
    if (!relations.whole) return this.relations.between(id, otherId, { signal: signal?.() });
    return { blocked: relations.blocked.has(otherId), muted: relations.muted.has(otherId) };
  }

  /** Never from a cache: it is asked where it decides alone whether something private is seen. */
  follows(viewerId: string, authorId: string, signal?: Signal): Promise<boolean> {
    return this.relations.follows(viewerId, authorId, { signal: signal?.() });
  }

  /** Makes a change of blocks or mutes between these people. When it resolves, everybody's reads know of it. */
  change<T>(userIds: readonly string[], work: () => Promise<T>): Promise<T> {
    return this.cache.change(userIds, work);
  }
}

/** A letter and an id for each. Nothing at all for most people. */
function pack(row: RelationsRow | undefined): string {
  if (!row) return '';
  const { blocked, muted } = row;
  if (blocked.length > mostRelationsKept || muted.length > mostRelationsKept) return tooManyMark;
  return [...blocked.map((id) => `b${id}`), ...muted.map((id) => `m${id}`)].join('');
}

export function relationsIn(packed: Buffer | undefined): Relations {
  return packed === undefined || packed.length === 0 ? none : unpack(packed);
}

function unpack(packed: Buffer): Relations {
  const text = packed.toString('latin1');
  if (text === tooManyMark) return tooMany;
  const blocked = new Set<string>();
  const muted = new Set<string>();
  for (let at = 0; at < text.length; at += 1 + idLength) {
    const id = text.slice(at + 1, at + 1 + idLength);
    (text[at] === 'b' ? blocked : muted).add(id);
  }
  return { blocked, muted, whole: true };
}
