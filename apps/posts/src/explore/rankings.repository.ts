import type { Queryable } from '@rostrum/data-access';
import type { Ranking } from './ranking';

export interface NewRanking {
  /** Where the sweep over the scores goes on; undefined: with the newest. */
  sweptTo: string | undefined;
  /** Tags are counted in the posts after this one. */
  tagsSince: string;
  /** Not if there is a ranking that is younger than this. */
  notWithinMs: number;
}

const mostPosts = 1_000;
/** Of so many of the best those are taken that are not too many of one author's. */
const candidates = 4_000;
const mostOfAuthor = 3;
const mostTags = 20;
const mostTaggedLookedAt = 20_000;

const bestPosts = `
  select post_id
    from (select post_id, score,
                 row_number() over (partition by author_id order by score desc, post_id desc) as of_author
            from (select post_id, score from explore_scores order by score desc, post_id desc limit ${candidates}) best
            join posts on posts.id = best.post_id) ranked
   where of_author <= ${mostOfAuthor}
   order by score desc, post_id desc limit ${mostPosts}`;

/** People, and not posts, are counted, so that nobody makes a tag by themselves. */
const trendingTags = `
  select tag, count(distinct p.author_id)::int as people
    from (select tag, post_id from post_tags where post_id > $1 order by post_id desc limit ${mostTaggedLookedAt}) used
    join posts p on p.id = used.post_id
    join profiles a on a.user_id = p.author_id
   where p.visibility = 'public' and p.hidden_at is null and p.deleted_at is null
     and not a.is_private and a.suspended_at is null and a.deleted_at is null
   group by tag
   order by people desc, tag limit ${mostTags}`;

/** The orders in which posts were explored, each as it was at its moment. */
export class RankingsRepository {
  constructor(private readonly db: Queryable) {}

  async newestId(): Promise<string | undefined> {
    const { rows } = await this.db.query<{ id: string }>(
      'newest_ranking',
      // Of the number: the column that is selected is a text.
      'select id::text from explore_rankings r order by r.id desc limit 1',
    );
    return rows[0]?.id;
  }

  async find(id: string): Promise<Ranking | undefined> {
    const { rows } = await this.db.query<Ranking>(
      'find_ranking',
      `select id::text, post_ids::text[] as "postIds", tags from explore_rankings where id = $1`,
      [id],
    );
    return rows[0];
  }

  /** How far the last sweep came, and how long ago that was. */
  async lastSweep(): Promise<{ sweptTo: string | null; ageMs: number } | undefined> {
    const { rows } = await this.db.query<{ sweptTo: string | null; ageMs: number }>(
      'last_ranking',
      `select swept_to as "sweptTo", (extract(epoch from now() - made_at) * 1000)::float8 as "ageMs"
         from explore_rankings order by id desc limit 1`,
    );
    return rows[0];
  }

  async make({ sweptTo, tagsSince, notWithinMs }: NewRanking): Promise<void> {
    await this.db.query(
      'make_ranking',
      `insert into explore_rankings (post_ids, tags, swept_to)
       select array(${bestPosts}),
              (select coalesce(jsonb_agg(jsonb_build_object('tag', tag, 'people', people)), '[]')
                 from (${trendingTags}) trending),
              $2
        where not exists (
          select from explore_rankings where made_at > now() - $3 * interval '1 millisecond')`,
      [tagsSince, sweptTo ?? null, notWithinMs],
    );
  }

  /** Those that nobody can be reading any more. */
  async removeOlderThan(ageMs: number): Promise<void> {
    await this.db.query(
      'remove_rankings',
      `delete from explore_rankings
        where made_at < now() - $1 * interval '1 millisecond' and id < (select max(id) from explore_rankings)`,
      [ageMs],
    );
  }
}
