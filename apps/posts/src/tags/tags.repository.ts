import type { Queryable, QueryOptions } from '@rostrum/data-access';

export interface PageOfTag {
  /** Only older posts than this one; undefined for the newest. */
  before: string | undefined;
  limit: number;
}

/** Above every id, so that the first page is the same prepared statement as all others. */
const afterAll = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

export class TagsRepository {
  constructor(private readonly db: Queryable) {}

  /** Ids of posts from the index of tags alone, newest first. Who sees them is decided elsewhere. */
  async postsWith(
    tag: string,
    { before = afterAll, limit }: PageOfTag,
    options?: QueryOptions,
  ): Promise<string[]> {
    const { rows } = await this.db.query<{ id: string }>(
      'list_posts_with_tag',
      `select post_id as id from post_tags where tag = $1 and post_id < $2 order by post_id desc limit $3`,
      [tag, before, limit],
      options,
    );
    return rows.map(({ id }) => id);
  }
}
