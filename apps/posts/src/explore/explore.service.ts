import { createCursorCodec } from '@rostrum/security';
import type { Entry, PostPages } from '../visibility/post-pages';
import type { ExploreRankings } from './explore-rankings';
import type { Ranking } from './ranking';

export interface ExploreRequest {
  cursor: string | undefined;
  limit: number;
  signal: () => AbortSignal;
}

export class ExploreService {
  constructor(
    private readonly rankings: Pick<ExploreRankings, 'latest' | 'named'>,
    private readonly pages: Pick<PostPages, 'page'>,
    private readonly cursorSecret: string,
  ) {}

  /** Each post as it is sent. */
  async explore(
    viewerId: string,
    { cursor, limit, signal }: ExploreRequest,
  ): Promise<{ posts: string[]; nextCursor: string | null }> {
    const cursors = createCursorCodec<string>(this.cursorSecret, `explore:${viewerId}`);
    const after = cursor === undefined ? undefined : cursors.decode(cursor);
    const ranking = await this.rankingOf(after);
    const { shown, next } = await this.pages.page(
      viewerId,
      { source: async (position, most) => entriesAfter(ranking, position, most), after, limit },
      { place: 'explore', signal },
    );
    const nextCursor = next === undefined ? null : cursors.encode(next);
    return { posts: shown.map(({ post }) => post.body), nextCursor };
  }

  /** The one that the first page was of. Whoever has read it for an hour goes on at the same place of the newest. */
  private async rankingOf(position: string | undefined): Promise<Ranking> {
    const [id] = position?.split('.') ?? [];
    return (id !== undefined && (await this.rankings.named(id))) || this.rankings.latest();
  }
}

/** A position is a ranking and the number of posts before. */
function entriesAfter({ id, postIds }: Ranking, position: string | undefined, most: number): Entry[] {
  const from = position === undefined ? 0 : Number(position.split('.')[1]);
  return postIds
    .slice(from, from + most)
    .map((postId, index) => ({ position: `${id}.${from + index + 1}`, postId }));
}
