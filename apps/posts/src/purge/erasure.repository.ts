import type { Queryable } from '@rostrum/data-access';

/** Rows that name a person, and the column in which they do. */
export interface PersonalRows {
  table: string;
  column: string;
}

export interface OtherPerson {
  id: string;
  username: string;
}

const directions = {
  followers: { mine: 'followee_id', theirs: 'follower_id', theirCount: 'following' },
  following: { mine: 'follower_id', theirs: 'followee_id', theirCount: 'followers' },
} as const;

export type FollowDirection = keyof typeof directions;

/** Takes away what is kept of a person, so much at a time. */
export class ErasureRepository {
  constructor(private readonly db: Queryable) {}

  /** Resolves to how many rows there were, `limit` at most. */
  async removeRows(userId: string, { table, column }: PersonalRows, limit: number): Promise<number> {
    const { rowCount } = await this.db.query(
      `erase_${table}_${column}`,
      `delete from ${table} where ctid = any(array(select ctid from ${table} where ${column} = $1 limit $2))`,
      [userId, limit],
    );
    return rowCount;
  }

  /** The rows stay, without the person and what else says something of them. */
  async forgetNames(
    userId: string,
    { table, column, more }: PersonalRows & { more: string },
    limit: number,
  ): Promise<number> {
    const { rowCount } = await this.db.query(
      `forget_${table}_${column}`,
      `update ${table} set ${column} = null, ${more} = null
        where ctid = any(array(select ctid from ${table} where ${column} = $1 limit $2))`,
      [userId, limit],
    );
    return rowCount;
  }

  /** Others with whom they have such rows. */
  async othersOf(
    userId: string,
    { table, column, other }: PersonalRows & { other: string },
    limit: number,
  ): Promise<string[]> {
    const { rows } = await this.db.query<{ id: string }>(
      `list_${table}_by_${column}`,
      `select ${other} as id from ${table} where ${column} = $1 limit $2`,
      [userId, limit],
    );
    return rows.map(({ id }) => id);
  }

  /** Of these rows those with these others, and no new ones: what is cached of anybody else has not been fenced. */
  async removeRowsWith(
    userId: string,
    { table, column, other }: PersonalRows & { other: string },
    others: readonly string[],
  ): Promise<number> {
    const { rowCount } = await this.db.query(
      `erase_${table}_by_${column}`,
      `delete from ${table} where ${column} = $1 and ${other} = any($2)`,
      [userId, others],
    );
    return rowCount;
  }

  async followsOf(userId: string, direction: FollowDirection, limit: number): Promise<OtherPerson[]> {
    const { mine, theirs } = directions[direction];
    const { rows } = await this.db.query<OtherPerson>(
      `list_${direction}_to_erase`,
      `select a.user_id as id, a.username from follows f join profiles a on a.user_id = f.${theirs}
        where f.${mine} = $1 order by f.${theirs} limit $2`,
      [userId, limit],
    );
    return rows;
  }

  /** The counts go with the rows. The rows of all of them are locked by then. */
  async removeFollows(userId: string, direction: FollowDirection, others: readonly string[]): Promise<void> {
    const { mine, theirs, theirCount } = directions[direction];
    await this.db.query(
      `erase_${direction}`,
      `with gone as (delete from follows where ${mine} = $1 and ${theirs} = any($2) returning ${theirs} as id),
            theirs as (update profiles set ${theirCount} = ${theirCount} - 1
                        where user_id in (select id from gone))
       update profiles set ${direction} = ${direction} - (select count(*) from gone) where user_id = $1`,
      [userId, others],
    );
  }

  /** The counts of the posts go with the rows; the posts are held in the order of their ids. */
  async removeReactions(
    userId: string,
    table: 'likes' | 'reposts',
    postIds: readonly string[],
  ): Promise<void> {
    await this.db.query(
      'lock_posts_of_others',
      'select from posts where id = any($1) order by id for no key update',
      [postIds],
    );
    await this.db.query(
      `erase_${table}`,
      `with gone as (delete from ${table} where user_id = $1 and post_id = any($2) returning post_id)
       update posts set ${table} = ${table} - 1 where id in (select post_id from gone)`,
      [userId, postIds],
    );
  }
}
