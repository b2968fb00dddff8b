import type { Queryable, QueryOptions } from '@rostrum/data-access';

export interface PageOfIds {
  /** Where the page before ended; undefined for the first. */
  after: string | undefined;
  limit: number;
}

const first = '00000000-0000-0000-0000-000000000000';
const last = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** Ids of posts in the order of a list, from its index alone. Who sees them is decided elsewhere. */
export class ThreadsRepository {
  constructor(private readonly db: Queryable) {}

  repliesTo(postId: string, { after = first, limit }: PageOfIds, options?: QueryOptions): Promise<string[]> {
    return this.ids(
      'list_replies',
      'select id from posts where reply_to = $1 and id > $2 order by id limit $3',
      { values: [postId, after, limit], options },
    );
  }

  /** All of the thread that the post belongs to, its beginning first. */
  threadOf(postId: string, { after = first, limit }: PageOfIds, options?: QueryOptions): Promise<string[]> {
    return this.ids(
      'list_thread',
      `with root as (select coalesce(root_id, id) as id from posts where id = $1)
       (select posts.id from root join posts on posts.id = root.id where posts.id > $2)
       union all
       (select posts.id from root join posts on posts.root_id = root.id where posts.id > $2
         order by posts.id limit $3)
       order by id limit $3`,
      { values: [postId, after, limit], options },
    );
  }

  writtenBy(
    authorId: string,
    { after: before = last, limit }: PageOfIds,
    options?: QueryOptions,
  ): Promise<string[]> {
    return this.ids(
      'list_posts_of_author',
      'select id from posts where author_id = $1 and id < $2 order by id desc limit $3',
      { values: [authorId, before, limit], options },
    );
  }

  private async ids(
    name: string,
    text: string,
    { values, options }: { values: readonly unknown[]; options: QueryOptions | undefined },
  ): Promise<string[]> {
    const { rows } = await this.db.query<{ id: string }>(name, text, values, options);
    return rows.map(({ id }) => id);
  }
}
