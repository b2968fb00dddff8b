import { createCursorCodec } from '@rostrum/security';
import { entriesOf, type Entry, type PostPages } from '../visibility/post-pages';
import type { FeedRepository } from './feed.repository';
import type { MergedTimeline } from './merged-timeline';
import type { Timelines } from './timelines';

export interface FeedRequest {
  cursor: string | undefined;
  limit: number;
  /** Asked for only where there is something to wait for. */
  signal: () => AbortSignal;
}

export interface FeedPage {
  /** Each post as it is sent. */
  posts: Buffer[];
  nextCursor: string | null;
}

export class FeedService {
  // eslint-disable-next-line max-params -- four parts, each of which it needs
  constructor(
    private readonly feed: Pick<FeedRepository, 'home'>,
    private readonly timelines: Pick<Timelines, 'open'>,
    private readonly pages: Pick<PostPages, 'page'>,
    private readonly cursorSecret: string,
  ) {}

  /** What the viewer and those they follow have posted, newest first. */
  async home(viewerId: string, { cursor, limit, signal }: FeedRequest): Promise<FeedPage> {
    // Named after the viewer: a cursor that has come into other hands opens nothing there.
    const cursors = createCursorCodec<string>(this.cursorSecret, `home-feed:${viewerId}`);
    const { shown, next } = await this.pages.page(
      viewerId,
      {
        source: this.sourceOf(viewerId, signal),
        after: cursor === undefined ? undefined : cursors.decode(cursor),
        limit,
      },
      { place: 'home', signal },
    );
    return {
      posts: shown.map(({ post }) => post.body),
      nextCursor: next === undefined ? null : cursors.encode(next),
    };
  }

  /** From the timeline as far as it goes, and on from PostgreSQL. */
  private sourceOf(
    viewerId: string,
    signal: () => AbortSignal,
  ): (before: string | undefined, most: number) => Promise<Entry[]> {
    let opened: Promise<MergedTimeline | undefined> | undefined;
    return async (before, most) => {
      const timeline = await (opened ??= this.timelines.open(viewerId, signal));
      const ids = timeline?.before(before, most) ?? [];
      if (ids.length === most || timeline?.isWhole) return entriesOf(ids);
      const older = await this.feed.home(viewerId, {
        before: ids.at(-1) ?? before,
        limit: most - ids.length,
        signal: signal(),
      });
      return entriesOf([...ids, ...older]);
    };
  }
}
