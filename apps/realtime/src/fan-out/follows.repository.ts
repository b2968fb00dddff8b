import type { Queryable } from '@rostrum/data-access';

export interface Follow {
  followerId: string;
  followeeId: string;
  active: boolean;
  at: Date;
}

interface FollowerRow {
  follower_id: string;
}

/** Whom they have muted they hear nothing of. A block has ended the follow. */
const isListening = `not exists (select from avoidances
  where person_id = follower_id and other_id = followee_id and kind = 'mute' and active)`;

const nobodyIsGone = (follower: string, followee: string) =>
  `not exists (select from recipients where id in (${follower}, ${followee}) and deleted_at is not null)`;

/** Advisory locks are numbers that all schemas of a database share. */
const forgetting = `hashtextextended('realtime: follows of who is gone', 0)`;

/** A copy of who follows whom, kept by events: followers can be told while posts is away. */
export class FollowsRepository {
  constructor(private readonly db: Queryable) {}

  /** In a transaction. Of who is gone, nothing is kept: events of two streams come in any order. */
  async put({ followerId, followeeId, active, at }: Follow): Promise<void> {
    await this.keepFromForgetting();
    await this.db.query(
      'put_follow',
      `insert into follows (followee_id, follower_id, active, changed_at)
       select $1::uuid, $2::uuid, $3::boolean, $4::timestamptz where ${nobodyIsGone('$2', '$1')}
       on conflict (followee_id, follower_id) do update
         set active = excluded.active, changed_at = excluded.changed_at
         where follows.changed_at <= excluded.changed_at`,
      [followeeId, followerId, active, at],
    );
  }

  /** In a transaction. Those that were there before: what is known of any of them is newer. */
  async putOlder(
    follows: readonly { followerId: string; followeeId: string; followedAt: string }[],
  ): Promise<void> {
    await this.keepFromForgetting();
    await this.db.query(
      'put_older_follows',
      `insert into follows (followee_id, follower_id, active, changed_at)
       select followee, follower, true, at from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) old (followee, follower, at)
        where ${nobodyIsGone('follower', 'followee')}
       on conflict (followee_id, follower_id) do nothing`,
      [
        follows.map(({ followeeId }) => followeeId),
        follows.map(({ followerId }) => followerId),
        follows.map(({ followedAt }) => followedAt),
      ],
    );
  }

  /** A block ends what there was, either way. */
  async endBetween(one: string, other: string, at: Date): Promise<void> {
    await this.db.query(
      'end_follows_between',
      `update follows set active = false, changed_at = $3
        where (followee_id, follower_id) in (($1::uuid, $2::uuid), ($2::uuid, $1::uuid)) and changed_at <= $3`,
      [one, other, at],
    );
  }

  /** In the transaction that marks them as gone. */
  async forget(userId: string): Promise<void> {
    await this.db.query('begin_to_forget_follows', `select pg_advisory_xact_lock(${forgetting})`);
    await this.db.query(
      'forget_follows_of',
      'delete from follows where followee_id = $1 or follower_id = $1',
      [userId],
    );
  }

  async followersOf(userId: string, limit: number): Promise<string[]> {
    const { rows } = await this.db.query<FollowerRow>(
      'followers_of',
      `select follower_id from follows where followee_id = $1 and active and ${isListening} limit $2`,
      [userId, limit],
    );
    return rows.map(({ follower_id }) => follower_id);
  }

  /** Those of them who follow the person: costs as much as there are of them, not as there are followers. */
  async followersAmong(userId: string, some: readonly string[]): Promise<string[]> {
    const { rows } = await this.db.query<FollowerRow>(
      'followers_among',
      `select follower_id from follows
        where followee_id = $1 and active and follower_id = any($2::uuid[]) and ${isListening}`,
      [userId, some],
    );
    return rows.map(({ follower_id }) => follower_id);
  }

  /** Whoever is forgotten meanwhile is so before this transaction looks, or after it has ended. */
  private async keepFromForgetting(): Promise<void> {
    await this.db.query('keep_follows_from_forgetting', `select pg_advisory_xact_lock_shared(${forgetting})`);
  }
}
