import type { Queryable } from '@rostrum/data-access';

export interface Follow {
  followerId: string;
  followeeId: string;
}

/** Who follows whom. The counts in the profiles change with the rows, so this runs inside a transaction. */
export class FollowsRepository {
  constructor(private readonly db: Queryable) {}

  /** The time of the follow where it is new, undefined where it was there already. */
  async add(follow: Follow): Promise<Date | undefined> {
    const { rows } = await this.db.query<{ created_at: Date }>(
      'add_follow',
      `insert into follows (follower_id, followee_id) values ($1, $2)
       on conflict do nothing returning created_at`,
      [follow.followerId, follow.followeeId],
    );
    if (rows[0]) await this.count(follow, 1);
    return rows[0]?.created_at;
  }

  /** Whether there was a follow to remove. */
  async remove(follow: Follow): Promise<boolean> {
    const { rowCount } = await this.db.query(
      'remove_follow',
      'delete from follows where follower_id = $1 and followee_id = $2',
      [follow.followerId, follow.followeeId],
    );
    if (rowCount > 0) await this.count(follow, -1);
    return rowCount > 0;
  }

  /** The two rows are locked in the order of their ids: people who follow each other at once never wait in a ring. */
  private async count({ followerId, followeeId }: Follow, change: 1 | -1): Promise<void> {
    for (const userId of [followerId, followeeId].sort()) {
      const isFollower = userId === followerId;
      await this.db.query(
        'count_follow',
        `update profiles set following = following + $2, followers = followers + $3 where user_id = $1`,
        [userId, isFollower ? change : 0, isFollower ? 0 : change],
      );
    }
  }
}
