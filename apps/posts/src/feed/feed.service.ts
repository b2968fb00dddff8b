import { createCursorCodec } from '@rostrum/security';
import type { Post } from '../posts/post';
import type { FeedRepository } from './feed.repository';

export interface FeedRequest {
  cursor: string | undefined;
  limit: number;
  signal: AbortSignal;
}

export interface FeedPage {
  posts: Post[];
  nextCursor: string | null;
}

export class FeedService {
  constructor(
    private readonly feed: FeedRepository,
    private readonly cursorSecret: string,
  ) {}

  /** What the viewer and those they follow have posted, newest first. */
  async home(viewerId: string, { cursor, limit, signal }: FeedRequest): Promise<FeedPage> {
    // Named after the viewer: a cursor that has come into other hands opens nothing there.
    const cursors = createCursorCodec<string>(this.cursorSecret, `home-feed:${viewerId}`);
    const before = cursor === undefined ? undefined : cursors.decode(cursor);
    const found = await this.feed.home(viewerId, { before, limit: limit + 1, signal });
    const posts = found.slice(0, limit);
    const last = posts.at(-1);
    return { posts, nextCursor: found.length > limit && last ? cursors.encode(last.id) : null };
  }
}
