import { cachePolicies } from '@rostrum/data-access';
import { LRUCache } from 'lru-cache';
import type { ChangeLog, LogPosition } from '../visibility/change-log';

/** The first page of a feed, ready to be sent. */
export interface FirstPage {
  /** JSON, as it is sent. */
  body: string;
  /** How many bytes the body has. */
  bytes: number;
  nextCursor: string | null;
}

interface MadePage {
  page: FirstPage;
  /** In the table of changes: the places of whom and what it is made of. */
  madeOf: readonly Uint32Array[];
}

interface KeptPage extends MadePage {
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
      overheadBytes + page.body.length + madeOf.reduce((sum, { byteLength }) => sum + byteLength, 0),
  });

  constructor(
    private readonly log: Pick<ChangeLog, 'areUnchanged'>,
    private readonly onRead: (result: 'local' | 'miss') => void,
  ) {}

  /** A page that is as it would be made now, where `now` is until where the log of changes has been read. */
  current(viewerId: string, now: LogPosition): FirstPage | undefined {
    const kept = this.kept.get(viewerId);
    const holds = kept !== undefined && this.holds(kept);
    this.onRead(holds ? 'local' : 'miss');
    if (!holds) return undefined;
    kept.position = now;
    return kept.page;
  }

  /** `asked`: until where the log had been read before the page was put together: what has changed since ends it. */
  keep(viewerId: string, made: MadePage, asked: LogPosition): void {
    this.kept.set(viewerId, { ...made, position: asked, keptAt: performance.now() });
  }

  private holds({ madeOf, position, keptAt }: KeptPage): boolean {
    if (performance.now() - keptAt > longestMs) return false;
    return madeOf.every((places) => this.log.areUnchanged(position, places));
  }
}
