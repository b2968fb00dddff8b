import type { Queryable } from '@rostrum/data-access';

export interface PageOfFeed {
  /** Only posts older than this one; undefined for the newest. */
  before: string | undefined;
  limit: number;
  signal?: AbortSignal | undefined;
}

/** Above every id, so that the first page is the same prepared statement as all others. */
const afterAll = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

export class FeedRepository {
  constructor(private readonly db: Queryable) {}

  /**
   * Takes the newest ids of each author from the index alone: the cost depends on how many people are followed, never
   * on how much they have written or how far back the page is.
   */
  async home(viewerId: string, { before = afterAll, limit, signal }: PageOfFeed): Promise<string[]> {
    const { rows } = await this.db.query<{ id: string }>(
      'home_feed',
      `select newest.id
         from (select followee_id as id from follows where follower_id = $1 union all select $1) author
        cross join lateral (select id from posts
                             where author_id = author.id and id < $2
                             order by id desc limit $3) newest
        order by newest.id desc limit $3`,
      [viewerId, before, limit],
      { signal },
    );
    return rows.map(({ id }) => id);
  }
}
