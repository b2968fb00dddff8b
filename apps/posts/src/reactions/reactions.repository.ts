import type { Queryable, QueryOptions } from '@rostrum/data-access';
import type { MyReactions } from './reaction';

export interface PageOfReactions {
  /** Where the page before ended; undefined for the first. */
  before: string | undefined;
  limit: number;
}

/** Somebody who has reacted to a post. */
export interface ReactingPerson {
  position: string;
  id: string;
  username: string;
  displayName: string | null;
  avatarId: string | null;
}

/** Above every id, so that the first page is the same prepared statement as all others. */
const beforeAll = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

const peopleOf = (table: 'likes' | 'reposts') => `
  select reaction.id as position, reaction.user_id as id, username,
         display_name as "displayName", avatar_id as "avatarId"
    from (select id, user_id from ${table} where post_id = $1 and id < $2 order by id desc limit $3) reaction
    join profiles using (user_id)
   order by reaction.id desc`;

/** Lists of reactions, from their indexes: every page costs the same. Who sees what is decided elsewhere. */
export class ReactionsRepository {
  constructor(private readonly db: Queryable) {}

  async likesOf(postId: string, page: PageOfReactions, options?: QueryOptions): Promise<ReactingPerson[]> {
    const values = [postId, page.before ?? beforeAll, page.limit];
    return (await this.db.query<ReactingPerson>('list_likes', peopleOf('likes'), values, options)).rows;
  }

  async repostsOf(postId: string, page: PageOfReactions, options?: QueryOptions): Promise<ReactingPerson[]> {
    const values = [postId, page.before ?? beforeAll, page.limit];
    return (await this.db.query<ReactingPerson>('list_reposts', peopleOf('reposts'), values, options)).rows;
  }

  async bookmarksOf(
    userId: string,
    { before = beforeAll, limit }: PageOfReactions,
    options?: QueryOptions,
  ): Promise<{ position: string; postId: string }[]> {
    const { rows } = await this.db.query<{ position: string; postId: string }>(
      'list_bookmarks',
      `select id as position, post_id as "postId" from bookmarks
        where user_id = $1 and id < $2 order by id desc limit $3`,
      [userId, before, limit],
      options,
    );
    return rows;
  }

  /** What somebody has done with each of these posts, in the order of the ids. */
  async of(userId: string, postIds: readonly string[], options?: QueryOptions): Promise<MyReactions[]> {
    const { rows } = await this.db.query<MyReactions>(
      'find_reactions',
      `select post.id,
              exists (select from likes where user_id = $1 and post_id = post.id) as liked,
              exists (select from reposts where user_id = $1 and post_id = post.id) as reposted,
              exists (select from bookmarks where user_id = $1 and post_id = post.id) as bookmarked
         from unnest($2::uuid[]) with ordinality as post (id, place)
        order by place`,
      [userId, postIds],
      options,
    );
    return rows;
  }
}
