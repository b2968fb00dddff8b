import type { PostFacet, PostMedia } from '@rostrum/contracts';
import type { Queryable, QueryOptions } from '@rostrum/data-access';

export interface VersionRow {
  version: number;
  text: string;
  facets: PostFacet[];
  media: PostMedia[];
  written_at: Date;
}

export class VersionsRepository {
  constructor(private readonly db: Queryable) {}

  /** The present version and those before it, below a version, newest first. */
  async list(
    postId: string,
    { before, limit }: { before: number; limit: number },
    options?: QueryOptions,
  ): Promise<VersionRow[]> {
    const { rows } = await this.db.query<VersionRow>(
      'list_post_versions',
      `select version, text, facets, media, coalesce(edited_at, created_at) as written_at
         from posts where id = $1 and version < $2 and deleted_at is null
       union all
       (select version, text, facets, media, edited_at from post_versions
         where post_id = $1 and version < $2 order by version desc limit $3)
       order by version desc limit $3`,
      [postId, before, limit],
      options,
    );
    return rows;
  }
}
