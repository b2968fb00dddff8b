import { cachePolicies } from '@rostrum/data-access';
import { ReadyBody } from '@rostrum/service-kit';
import { LRUCache } from 'lru-cache';
import type { ChangeLog, LogPosition } from '../visibility/change-log';

/** A page of a feed, as it is answered. */
export interface FeedPage {
  status: 200;
  /** JSON. */
  raw: string | ReadyBody;
  /** How many bytes that has. */
  bytes: number;
  /** Where the next page is. */
  headers: readonly string[];
}

export interface MadePage extends FeedPage {
  raw: string;
}

export interface KeptPage {
  page: FeedPage;
  /** In the table of changes: the places of whom and what it is made of. */
  madeOf: readonly Uint32Array[];
  /** Until where it is known that none of it has changed. */
  position: LogPosition;
  keptAt: number;
}

const mostBytes = 32 * 1024 * 1024;
const overheadBytes = 4_000;
/** No longer than the milestone says; it goes earlier when something changes. */
const longestMs = 1_000 * cachePolicies.feed.ttlSeconds;

/**
 * The first pages of feeds that this process has put together. Each holds as long as, by the log of changes, its posts,
 * their authors, how the viewer is to others, whom they follow and what has come from those have not changed since.
 */
export class FeedPages {
  private readonly kept = new LRUCache<string, KeptPage>({
    maxSize: mostBytes,
    sizeCalculation: ({ page, madeOf }) =>
      overheadBytes + page.bytes + madeOf.reduce((sum, { byteLength }) => sum + byteLength, 0),
  });

  constructor(
    private readonly log: Pick<ChangeLog, 'areUnchanged'>,
    private readonly onRead: (result: 'local' | 'miss') => void,
  ) {}

  /** What is kept for a viewer, whether or not it still holds. */
  of(viewerId: string): KeptPage | undefined {
    return this.kept.get(viewerId);
  }

  /** Whether a page is as it would be made now, where `now` is until where the log of changes has been read. */
  holds(kept: KeptPage | undefined, now: LogPosition): kept is KeptPage {
    const holds = kept !== undefined && this.isUnchanged(kept);
    this.onRead(holds ? 'local' : 'miss');
    if (holds) kept.position = now;
    return holds;
  }

  /** `asked`: until where the log had been read before the page was put together: what has changed since ends it. */
  keep(
    viewerId: string,
    { page, madeOf }: { page: MadePage; madeOf: KeptPage['madeOf'] },
    asked: LogPosition,
  ): void {
    const ready = { ...page, raw: new ReadyBody(page.raw, page.bytes) };
    this.kept.set(viewerId, { page: ready, madeOf, position: asked, keptAt: performance.now() });
  }

  private isUnchanged({ madeOf, position, keptAt }: KeptPage): boolean {
    if (performance.now() - keptAt > longestMs) return false;
    return madeOf.every((places) => this.log.areUnchanged(position, places));
  }
}
