import type { Queryable } from '@rostrum/data-access';

/** A part of the posts of the last days, from the newest to the oldest. */
export interface PartOfPosts {
  /** Only older ones than this. */
  before: string;
  /** Only newer ones than this. */
  since: string;
  limit: number;
}

export interface Scored {
  /** How many posts were looked at. */
  looked: number;
  /** The oldest of them. */
  last: string | undefined;
}

/**
 * A post's score in hours: the time at which it was written, and twelve hours more for ten times the reactions. It is
 * the same whenever it is asked for, so that of most posts nothing is written.
 */
const score = `
  extract(epoch from p.created_at) / 3600
    + 12 * log((1 + p.likes + 2 * (p.replies + p.quotes) + 3 * p.reposts)::double precision)`;

/** Scores of posts that anybody may see. */
export class ExploreScoresRepository {
  constructor(private readonly db: Queryable) {}

  /** Scores the newest of the part. Those of it that not everybody may see any more have no score. */
  async score({ before, since, limit }: PartOfPosts): Promise<Scored> {
    const { rows } = await this.db.query<{ looked: number; last: string | null }>(
      'score_posts',
      `with looked as (select * from posts where id < $1 and id > $2 order by id desc limit $3),
       open as (
         select p.id, ${score} as score
           from looked p join profiles a on a.user_id = p.author_id
          where p.visibility = 'public' and p.hidden_at is null and p.deleted_at is null
            and not a.is_private and a.suspended_at is null and a.deleted_at is null),
       closed as (
         delete from explore_scores
          where post_id in (select id from looked) and post_id not in (select id from open)),
       kept as (
         insert into explore_scores as known (post_id, score) select id, score from open order by id
             on conflict (post_id) do update set score = excluded.score where known.score <> excluded.score)
       select count(*)::int as looked, (array_agg(id order by id))[1] as last from looked`,
      [before, since, limit],
    );
    const { looked = 0, last = null } = rows[0] ?? {};
    return { looked, last: last ?? undefined };
  }

  /** Answers how many scores of older posts it has removed. */
  async forget(since: string, limit: number): Promise<number> {
    const { rowCount } = await this.db.query(
      'forget_scores',
      `delete from explore_scores
        where post_id in (select post_id from explore_scores where post_id < $1 order by post_id limit $2)`,
      [since, limit],
    );
    return rowCount;
  }
}
