import type { Queryable } from '@rostrum/data-access';

export interface PageOfFeed {
  /** Only posts older than this one; undefined for the newest. */
  before: string | undefined;
  limit: number;
  signal?: AbortSignal | undefined;
}

/** Ids one after the other, without their dashes. */
export interface TimelineRow {
  /** Of those whom the viewer follows, the authors whose posts are not brought to anybody. */
  pulled: string;
  /** The last eight digits of the ids of all whom the viewer follows, and of their own; in order. */
  followed: string;
  /** The newest posts of the others and of the viewer, newest first. */
  posts: string;
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

  /** What a timeline begins with. One statement, so that all of it is of one moment. */
  async timeline(viewerId: string, limit: number, signal?: AbortSignal): Promise<TimelineRow> {
    const { rows } = await this.db.query<TimelineRow>(
      'home_timeline',
      `with followed as materialized (select followee_id as id from follows where follower_id = $1),
            pulled as materialized (select id from followed join feed_pulled_authors on author_id = id),
            author as (select id from followed where id not in (select id from pulled) union all select $1),
            newest as (select post.id from author
                        cross join lateral (select id from posts where author_id = author.id
                                             order by id desc limit $2) post
                        order by post.id desc limit $2),
            tails as (select right(id::text, 8) collate "C" as tail
                        from (select id from followed union all select $1) people)
       select replace(coalesce((select string_agg(id::text, '') from pulled), ''), '-', '') as pulled,
              (select string_agg(tail, '' order by tail) from tails) as followed,
              replace(coalesce((select string_agg(id::text, '' order by id desc) from newest), ''), '-', '') as posts`,
      [viewerId, limit],
      { signal },
    );
    return rows[0] ?? { pulled: '', followed: '', posts: '' };
  }

  /** The newest posts of an author, newest first, as in `TimelineRow`. */
  async writtenBy(authorId: string, limit: number, signal?: AbortSignal): Promise<string> {
    const { rows } = await this.db.query<{ posts: string }>(
      'newest_of_author',
      `select replace(coalesce(string_agg(id::text, '' order by id desc), ''), '-', '') as posts
         from (select id from posts where author_id = $1 order by id desc limit $2) newest`,
      [authorId, limit],
      { signal },
    );
    return rows[0]?.posts ?? '';
  }
}
