import { createGatheredRead, type Queryable, type QueryOptions } from '@rostrum/data-access';
import type { HomeEntry, LoadedEntries } from './timeline';

export interface PageOfFeed {
  /** Only posts older than this one; undefined for the newest. */
  before: string | undefined;
  limit: number;
  signal?: AbortSignal | undefined;
}

/** Ids one after the other, without their dashes. */
export interface TimelineRow extends LoadedEntries {
  /** Of those whom the viewer follows, the authors whose posts are not brought to anybody. */
  pulled: string;
  /** The last eight digits of the ids of all whom the viewer follows, and of their own; in order. */
  followed: string;
}

/** A repost as it stands, and the name of who has made it. */
export interface StandingRepost {
  key: string;
  id: string;
  username: string;
}

/** What an author has posted and passed on, from indexes alone; `bound` is a condition of the ids. */
const newestOf = (author: string, bound: string, limit: string) => `
  (select id, id as post_id, null::uuid as reposter_id from posts
    where author_id = ${author}${bound} order by id desc limit ${limit})
  union all
  (select id, post_id, user_id from reposts where user_id = ${author}${bound} order by id desc limit ${limit})`;

const loadedEntries = `
  replace(coalesce((select string_agg(id::text, '' order by id desc) from newest
                     where reposter_id is null), ''), '-', '') as posts,
  replace(coalesce((select string_agg(id::text || post_id::text || reposter_id::text, '' order by id) from newest
                     where reposter_id is not null), ''), '-', '') as reposts`;

/** Above every id, so that the first page is the same prepared statement as all others. */
const afterAll = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

export class FeedRepository {
  constructor(private readonly db: Queryable) {}

  /**
   * Takes the newest ids of each author from the index alone: the cost depends on how many people are followed, never
   * on how much they have written or how far back the page is.
   */
  async home(viewerId: string, { before = afterAll, limit, signal }: PageOfFeed): Promise<HomeEntry[]> {
    const { rows } = await this.db.query<{ id: string; post_id: string; reposter_id: string | null }>(
      'home_feed',
      `select newest.*
         from (select followee_id as id from follows where follower_id = $1 union all select $1) author
        cross join lateral (${newestOf('author.id', ' and id < $2', '$3')}) newest
        order by newest.id desc limit $3`,
      [viewerId, before, limit],
      { signal },
    );
    return rows.map(({ id, post_id: postId, reposter_id: reposterId }) => ({
      ...{ position: id, postId },
      reposterId: reposterId ?? undefined,
    }));
  }

  /** What a timeline begins with. One statement, so that all of it is of one moment. */
  async timeline(viewerId: string, limit: number, signal?: AbortSignal): Promise<TimelineRow> {
    const { rows } = await this.db.query<TimelineRow>(
      'home_timeline',
      `with followed as materialized (select followee_id as id from follows where follower_id = $1),
            pulled as materialized (select id from followed join feed_pulled_authors on author_id = id),
            author as (select id from followed where id not in (select id from pulled) union all select $1),
            newest as (select entry.* from author
                        cross join lateral (${newestOf('author.id', '', '$2')}) entry
                        order by entry.id desc limit $2),
            tails as (select right(id::text, 8) collate "C" as tail
                        from (select id from followed union all select $1) people)
       select replace(coalesce((select string_agg(id::text, '') from pulled), ''), '-', '') as pulled,
              (select string_agg(tail, '' order by tail) from tails) as followed,
              ${loadedEntries}`,
      [viewerId, limit],
      { signal },
    );
    return rows[0] ?? { pulled: '', followed: '', posts: '', reposts: '' };
  }

  /** The newest of what an author has posted and passed on. */
  async writtenBy(authorId: string, limit: number, signal?: AbortSignal): Promise<LoadedEntries> {
    const { rows } = await this.db.query<LoadedEntries>(
      'newest_of_author',
      `with newest as (select * from (${newestOf('$1', '', '$2')}) entry order by id desc limit $2)
       select ${loadedEntries}`,
      [authorId, limit],
      { signal },
    );
    return rows[0] ?? { posts: '', reposts: '' };
  }
}

export type RepostKey = Pick<HomeEntry, 'postId'> & { reposterId: string };

/** A key of `StandingReposts`. */
export function repostKey({ reposterId, postId }: RepostKey): string {
  return reposterId + postId;
}

/** Whether reposts stand: all that is asked for in one turn of the event loop is one statement. */
export class StandingReposts {
  readonly find: (key: string, options?: QueryOptions) => Promise<StandingRepost | undefined>;

  constructor(db: Queryable) {
    this.find = createGatheredRead<string, StandingRepost>({
      db,
      name: 'find_reposts',
      text: `select key, r.id, a.username
               from unnest($1::text[]) key
               join reposts r on r.user_id = left(key, 36)::uuid and r.post_id = right(key, 36)::uuid
               join profiles a on a.user_id = r.user_id`,
      keyOf: ({ key }) => key,
    });
  }
}
