import type { TrendingTag } from '@rostrum/contracts';
import { createCursorCodec } from '@rostrum/security';
import type { ExploreRankings } from '../explore/explore-rankings';
import { entriesOf, type PostPages } from '../visibility/post-pages';
import type { TagsRepository } from './tags.repository';

export interface TagRequest {
  cursor: string | undefined;
  limit: number;
  signal: AbortSignal;
}

export interface TagsDependencies {
  tags: Pick<TagsRepository, 'postsWith'>;
  rankings: Pick<ExploreRankings, 'latest'>;
  pages: Pick<PostPages, 'page'>;
  cursorSecret: string;
}

export class TagsService {
  constructor(private readonly dependencies: TagsDependencies) {}

  /** Of a tag as it is kept; each post as it is sent. */
  async posts(
    viewerId: string,
    tag: string,
    { cursor, limit, signal }: TagRequest,
  ): Promise<{ posts: string[]; nextCursor: string | null }> {
    const { tags, pages, cursorSecret } = this.dependencies;
    const cursors = createCursorCodec<string>(cursorSecret, `tag:${tag}:${viewerId}`);
    const { shown, next } = await pages.page(
      viewerId,
      {
        source: async (before, most) =>
          entriesOf(await tags.postsWith(tag, { before, limit: most }, { signal })),
        after: cursor === undefined ? undefined : cursors.decode(cursor),
        limit,
      },
      { place: 'tag', signal: () => signal },
    );
    const nextCursor = next === undefined ? null : cursors.encode(next);
    return { posts: shown.map(({ post }) => post.body), nextCursor };
  }

  async trending(): Promise<TrendingTag[]> {
    return (await this.dependencies.rankings.latest()).tags;
  }
}
