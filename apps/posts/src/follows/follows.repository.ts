import type { Queryable, QueryOptions } from '@rostrum/data-access';
import { personColumns, type PersonRow } from '../profiles/profiles.repository';

export interface Follow {
  followerId: string;
  followeeId: string;
}

export interface PageOfPeople {
  /** Where the page before ended; undefined for the first. */
  after: string | undefined;
  limit: number;
}

/** Before all that there is, newest first. */
const beginning = { time: 'infinity', id: 'ffffffff-ffff-ffff-ffff-ffffffffffff' };
const separator = '/';
const lowest = '00000000-0000-0000-0000-000000000000';

/** Follows are in the order of their time; of several at one time, in that of the ids of those they are with. */
function positionOf(after: string | undefined): { time: string; id: string } {
  if (after === undefined) return beginning;
  const [time = '', id = ''] = after.split(separator);
  return { time, id };
}

/**
 * Who follows whom, and the counts of it in the profiles, which change in the same statement. The rows of both profiles
 * must be locked by then, in the order of their ids (`lockPair`).
 */
export class FollowsRepository {
  constructor(private readonly db: Queryable) {}

  /** The time of the follow where it is new, undefined where it was there already. A request for it is over. */
  async add({ followerId, followeeId }: Follow): Promise<Date | undefined> {
    const { rows } = await this.db.query<{ created_at: Date }>(
      'add_follow',
      `with answered as (delete from follow_requests where requester_id = $1 and target_id = $2),
            added as (insert into follows (follower_id, followee_id) values ($1, $2)
                      on conflict do nothing returning created_at),
            counted as (update profiles
                           set following = following + (user_id = $1)::int, followers = followers + (user_id = $2)::int
                         where user_id in ($1, $2) and exists(select from added))
       select created_at from added`,
      [followerId, followeeId],
    );
    return rows[0]?.created_at;
  }

  /** All there are, in the order of their key. */
  async all(
    { after, limit }: { after: Follow | undefined; limit: number },
    options?: QueryOptions,
  ): Promise<(Follow & { followedAt: Date })[]> {
    const { rows } = await this.db.query<Follow & { followedAt: Date }>(
      'list_all_follows',
      `select follower_id as "followerId", followee_id as "followeeId", created_at as "followedAt" from follows
        where (follower_id, followee_id) > ($1::uuid, $2::uuid) order by follower_id, followee_id limit $3`,
      [after?.followerId ?? lowest, after?.followeeId ?? lowest, limit],
      options,
    );
    return rows;
  }

  /** Whether there was a follow to remove. */
  async remove({ followerId, followeeId }: Follow): Promise<boolean> {
    const { rowCount } = await this.db.query(
      'remove_follow',
      `with removed as (delete from follows where follower_id = $1 and followee_id = $2 returning 1),
            counted as (update profiles
                           set following = following - (user_id = $1)::int, followers = followers - (user_id = $2)::int
                         where user_id in ($1, $2) and exists(select from removed))
       select from removed`,
      [followerId, followeeId],
    );
    return rowCount > 0;
  }

  followersOf(userId: string, { after, limit }: PageOfPeople, options?: QueryOptions): Promise<PersonRow[]> {
    const text = `select ${personColumns}, f.created_at::text || '${separator}' || f.follower_id as position
         from follows f join profiles a on a.user_id = f.follower_id
        where f.followee_id = $1 and (f.created_at, f.follower_id) < ($2::timestamptz, $3::uuid)
        order by f.created_at desc, f.follower_id desc limit $4`;
    return this.page('list_followers', text, { userId, after, limit, options });
  }

  followedBy(userId: string, { after, limit }: PageOfPeople, options?: QueryOptions): Promise<PersonRow[]> {
    const text = `select ${personColumns}, f.created_at::text || '${separator}' || f.followee_id as position
         from follows f join profiles a on a.user_id = f.followee_id
        where f.follower_id = $1 and (f.created_at, f.followee_id) < ($2::timestamptz, $3::uuid)
        order by f.created_at desc, f.followee_id desc limit $4`;
    return this.page('list_following', text, { userId, after, limit, options });
  }

  private async page(
    name: string,
    text: string,
    { userId, after, limit, options }: PageOfPeople & { userId: string; options: QueryOptions | undefined },
  ): Promise<PersonRow[]> {
    const { time, id } = positionOf(after);
    const { rows } = await this.db.query<PersonRow>(name, text, [userId, time, id, limit], options);
    return rows;
  }
}
