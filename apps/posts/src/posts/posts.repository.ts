import { createGatheredRead, type Queryable, type QueryOptions } from '@rostrum/data-access';
import type { Post } from './post';
import { postColumns, type PostRow } from './post-row';

export class PostsRepository {
  constructor(private readonly db: Queryable) {}

  async insert(post: Post): Promise<void> {
    await this.db.query(
      'insert_post',
      `insert into posts (id, author_id, text, facets, media, visibility, reply_to, root_id, quote_of, created_at, version)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
      [
        post.id,
        post.author.id,
        post.text,
        JSON.stringify(post.facets),
        JSON.stringify(post.media),
        post.visibility,
        post.replyTo,
        post.rootId,
        post.quoteOf,
        post.createdAt,
        post.version,
      ],
    );
  }
}

/** Reads single posts, all that are asked for in one turn of the event loop in one statement. */
export class PostRows {
  readonly find: (id: string, options?: QueryOptions) => Promise<PostRow | undefined>;

  constructor(db: Queryable) {
    this.find = createGatheredRead<string, PostRow>({
      db,
      name: 'find_posts',
      text: `select ${postColumns}
               from posts p join profiles a on a.user_id = p.author_id
              where p.id = any($1)`,
      keyOf: ({ id }) => id,
    });
  }
}
