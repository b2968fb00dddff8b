import type { Queryable } from '@rostrum/data-access';

export interface RemovedPost {
  id: string;
  author_id: string;
  /** Nobody had deleted it before. */
  was_there: boolean;
}

export interface RemovablePost {
  id: string;
  reply_to: string | null;
  quote_of: string | null;
}

const reactions = ['likes', 'reposts', 'bookmarks'] as const;

/** Takes posts away for good. */
export class PostRemovalRepository {
  constructor(private readonly db: Queryable) {}

  async deletedBefore(time: Date, limit: number): Promise<RemovablePost[]> {
    const { rows } = await this.db.query<RemovablePost>(
      'list_posts_to_purge',
      `select id, reply_to, quote_of from posts
        where deleted_at is not null and deleted_at < $1 order by deleted_at limit $2`,
      [time, limit],
    );
    return rows;
  }

  async writtenBy(authorId: string, limit: number): Promise<RemovablePost[]> {
    const { rows } = await this.db.query<RemovablePost>(
      'list_posts_to_erase',
      'select id, reply_to, quote_of from posts where author_id = $1 order by id limit $2',
      [authorId, limit],
    );
    return rows;
  }

  /** Takes so many reactions to these posts away at most; resolves to how many of one kind there were at most. */
  async removeReactions(postIds: readonly string[], limit: number): Promise<number> {
    let most = 0;
    for (const table of reactions) {
      const { rowCount } = await this.db.query(
        `purge_${table}`,
        `delete from ${table} where (user_id, post_id) in (
           select user_id, post_id from ${table} where post_id = any($1) limit $2)`,
        [postIds, limit],
      );
      most = Math.max(most, rowCount);
    }
    return most;
  }

  /** Held in the order of their ids, here as wherever several are. */
  async lock(postIds: readonly string[]): Promise<void> {
    await this.db.query(
      'lock_posts_to_purge',
      'select from posts where id = any($1) order by id for update',
      [postIds],
    );
  }

  /**
   * The posts with all that hangs on them; what they answered and quoted counts them no more. Names, tags and versions
   * go by their foreign keys.
   */
  async remove(postIds: readonly string[]): Promise<RemovedPost[]> {
    const { rows } = await this.db.query<RemovedPost>(
      'purge_posts',
      `with gone as (delete from posts where id = any($1)
                     returning id, author_id, reply_to, quote_of, deleted_at is null as was_there),
            fewer as (select id, sum(replies)::int as replies, sum(quotes)::int as quotes
                        from (select reply_to as id, 1 as replies, 0 as quotes from gone where was_there
                              union all
                              select quote_of, 0, 1 from gone where was_there) counted
                       where id <> all($1) group by id),
            counted as (update posts p set replies = p.replies - f.replies, quotes = p.quotes - f.quotes
                          from fewer f where p.id = f.id and p.deleted_at is null)
       select id, author_id, was_there from gone`,
      [postIds],
    );
    return rows;
  }
}
