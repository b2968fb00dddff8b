import { createCursorCodec } from '@rostrum/security';
import { entriesOf, type PostPages } from '../visibility/post-pages';
import type { FeedRepository } from './feed.repository';

export interface FeedRequest {
  cursor: string | undefined;
  limit: number;
  signal: AbortSignal;
}

export interface FeedPage {
  /** Each post as it is sent. */
  posts: Buffer[];
  nextCursor: string | null;
}

export class FeedService {
  constructor(
    private readonly feed: FeedRepository,
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
        source: async (before, most) =>
          entriesOf(await this.feed.home(viewerId, { before, limit: most, signal })),
        after: cursor === undefined ? undefined : cursors.decode(cursor),
        limit,
      },
      { place: 'home', signal: () => signal },
    );
    return {
      posts: shown.map(({ post }) => post.body),
      nextCursor: next === undefined ? null : cursors.encode(next),
    };
  }
}
