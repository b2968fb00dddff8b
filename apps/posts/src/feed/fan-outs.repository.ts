import type { Queryable } from '@rostrum/data-access';
import type { Written } from './timelines';

export interface FanOut {
  /** Of the post, or of the repost. */
  post_id: string;
  /** Whose followers it is for. */
  author_id: string;
  /** Where it is a repost: the post that is passed on. */
  reposted_id: string | null;
  /** All followers up to this one have it. */
  after: string;
  batches: number;
  /** Of the author, at present. */
  is_pulled: boolean;
  followers: number;
}

interface Recipient {
  post_id: string;
  follower_id: string;
}

/** Posts on their way to those who follow their authors. */
export class FanOutsRepository {
  constructor(private readonly db: Queryable) {}

  /** Of what is on its way already, nothing changes. */
  async add({ postId, authorId, repostId, at }: Written & { at: string }): Promise<void> {
    await this.db.query(
      'add_fanout',
      `insert into feed_fanouts (post_id, author_id, reposted_id, created_at) values ($1, $2, $3, $4)
           on conflict do nothing`,
      [repostId ?? postId, authorId, repostId === undefined ? null : postId, at],
    );
  }

  /**
   * Those that have come least far, for the transaction alone: where it dies, another worker finds them again. So a
   * post for few does not wait behind one for many.
   */
  async take(most: number): Promise<FanOut[]> {
    const { rows } = await this.db.query<FanOut>(
      'take_fanouts',
      `select f.post_id, f.author_id, f.reposted_id, f.after, f.batches,
              exists (select from feed_pulled_authors p where p.author_id = f.author_id) as is_pulled,
              coalesce((select followers from profiles a where a.user_id = f.author_id), 0) as followers
         from feed_fanouts f order by f.batches, f.post_id limit $1
          for update of f skip locked`,
      [most],
    );
    return rows;
  }

  /** The next followers of each, in the order of their ids. */
  async recipients(fanOuts: readonly FanOut[], most: number): Promise<Map<string, string[]>> {
    const { rows } = await this.db.query<Recipient>(
      'fanout_recipients',
      `select f.post_id, follower.follower_id
         from unnest($1::uuid[], $2::uuid[], $3::uuid[]) f (post_id, author_id, after)
        cross join lateral (select follower_id from follows
                             where followee_id = f.author_id and follower_id > f.after
                             order by follower_id limit $4) follower`,
      [
        fanOuts.map(({ post_id }) => post_id),
        fanOuts.map(({ author_id }) => author_id),
        fanOuts.map(({ after }) => after),
        most,
      ],
    );
    const recipients = new Map<string, string[]>(fanOuts.map(({ post_id }) => [post_id, []]));
    for (const { post_id, follower_id } of rows) recipients.get(post_id)?.push(follower_id);
    return recipients;
  }

  /** Notes how far these have come. */
  async goOn(fanOuts: readonly Pick<FanOut, 'post_id' | 'after'>[]): Promise<void> {
    await this.db.query(
      'go_on_with_fanouts',
      `update feed_fanouts f set after = done.after, batches = batches + 1
         from unnest($1::uuid[], $2::uuid[]) done (post_id, after) where f.post_id = done.post_id`,
      [fanOuts.map(({ post_id }) => post_id), fanOuts.map(({ after }) => after)],
    );
  }

  async finish(postIds: readonly string[]): Promise<void> {
    await this.db.query('finish_fanouts', 'delete from feed_fanouts where post_id = any($1)', [postIds]);
  }

  /** Notes that too many follow these authors for posts to be brought to each. */
  async pull(fanOuts: readonly Pick<FanOut, 'post_id' | 'author_id'>[]): Promise<void> {
    await this.db.query(
      'pull_authors',
      `with author as (insert into feed_pulled_authors (author_id) select unnest($2::uuid[]) on conflict do nothing)
       update feed_fanouts set batches = batches + 1 where post_id = any($1)`,
      [fanOuts.map(({ post_id }) => post_id), fanOuts.map(({ author_id }) => author_id)],
    );
  }

  /** How many are on their way, and for how long the oldest has been. */
  async waiting(): Promise<{ count: number; oldestSeconds: number }> {
    const { rows } = await this.db.query<{ count: number; oldest: number }>(
      'waiting_fanouts',
      `select count(*)::int as count,
              greatest(0, coalesce(extract(epoch from now() - min(created_at)), 0))::float8 as oldest
         from feed_fanouts`,
    );
    const { count = 0, oldest = 0 } = rows[0] ?? {};
    return { count, oldestSeconds: oldest };
  }
}
