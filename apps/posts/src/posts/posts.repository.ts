import type { Queryable, QueryOptions } from '@rostrum/data-access';
import type { Post } from './post';
import { toPost, type PostRow } from './post-row';

export class PostsRepository {
  constructor(private readonly db: Queryable) {}

  async insert({ id, author, text, createdAt, version }: Post): Promise<void> {
    await this.db.query(
      'insert_post',
      'insert into posts (id, author_id, text, created_at, version) values ($1, $2, $3, $4, $5)',
      [id, author.id, text, createdAt, version],
    );
  }

  async find(id: string, options?: QueryOptions): Promise<Post | undefined> {
    const { rows } = await this.db.query<PostRow>(
      'find_post',
      `select p.id, p.author_id, a.username, p.text, p.created_at, p.version
         from posts p join profiles a on a.user_id = p.author_id
        where p.id = $1`,
      [id],
      options,
    );
    return rows[0] && toPost(rows[0]);
  }
}
