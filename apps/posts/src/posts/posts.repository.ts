import { createGatheredRead, mapViolation, type GatheredRead, type Queryable } from '@rostrum/data-access';
import { profilesErrors } from '../profiles/profiles.errors';
import type { Post } from './post';
import { postColumns, type PostRow } from './post-row';

const columns = `id, author_id, text, facets, media, visibility, reply_to, root_id, quote_of, created_at, version`;

/**
 * The row of an author whose token is here before the event of their registration is made along with the post. The
 * words that a search finds it by come later.
 */
const insertAuthorAndPost = `
  with author as (insert into profiles (user_id, username, created_at) values ($2, $12, now())
                  on conflict (user_id) do nothing),
       post as (insert into posts (${columns}, words_wait)
                values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, true))`;

export interface NamedInPost {
  mentioned: readonly string[];
  tags: readonly string[];
}

/** What a post is answered or quoted by; the row of the one that is. */
export interface Reference {
  id: string;
  replies: -1 | 0 | 1;
  quotes: -1 | 0 | 1;
}

export interface ReferencedPost {
  author_id: string;
  root_id: string;
}

export class PostsRepository {
  constructor(private readonly db: Queryable) {}

  /** The author, the post and whom and what it names in one statement: most name nobody and nothing. */
  async insert(post: Post, { mentioned, tags }: NamedInPost): Promise<void> {
    const values = [
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
      post.author.username,
    ];
    const namesNothing = mentioned.length === 0 && tags.length === 0;
    try {
      if (namesNothing) await this.db.query('insert_post', `${insertAuthorAndPost} select`, values);
      else {
        await this.db.query(
          'insert_post_with_names',
          `${insertAuthorAndPost},
           mentions as (insert into post_mentions (post_id, user_id) select $1, unnest($13::uuid[])),
           tags as (insert into post_tags (post_id, tag) select $1, unnest($14::text[]))
           select`,
          [...values, mentioned, tags],
        );
      }
    } catch (error) {
      throw mapViolation(error, { profiles_username_key: (cause) => profilesErrors.notReady(cause) });
    }
  }

  /**
   * Counts a reply or a quote where it is counted. Undefined where that post has been deleted. Rows are locked in the
   * order of their ids, here and wherever several are.
   */
  async count({ id, replies, quotes }: Reference): Promise<ReferencedPost | undefined> {
    const { rows } = await this.db.query<ReferencedPost>(
      'count_reference',
      `update posts set replies = replies + $2, quotes = quotes + $3
        where id = $1 and deleted_at is null
        returning author_id, coalesce(root_id, id) as root_id`,
      [id, replies, quotes],
    );
    return rows[0];
  }

  /** The rows of these posts, locked until the transaction is over. */
  async lock(ids: readonly string[]): Promise<Map<string, PostRow>> {
    const { rows } = await this.db.query<PostRow>(
      'lock_posts',
      `select ${postColumns}
         from posts p join profiles a on a.user_id = p.author_id
        where p.id = any($1) order by p.id for no key update of p`,
      [ids],
    );
    return new Map(rows.map((row) => [row.id, row]));
  }

  /** What it said stays among its versions. */
  async replaceContent(
    post: Pick<Post, 'id' | 'text' | 'facets' | 'media' | 'version' | 'editedAt'>,
  ): Promise<void> {
    await this.db.query(
      'edit_post',
      `with before as (
         insert into post_versions (post_id, version, text, facets, media, edited_at)
         select id, version, text, facets, media, coalesce(edited_at, created_at) from posts where id = $1)
       update posts set text = $2, facets = $3, version = $4, edited_at = $5, media = $6 where id = $1`,
      [
        post.id,
        post.text,
        JSON.stringify(post.facets),
        post.version,
        post.editedAt,
        JSON.stringify(post.media),
      ],
    );
  }

  /**
   * Makes those the mentioned ones and these the tags; resolves to who is mentioned for the first time. Whom a reply
   * answers that is only for those whom it names goes on being one of them.
   */
  async replaceNames(postId: string, { mentioned, tags }: NamedInPost): Promise<string[]> {
    const { rows } = await this.db.query<{ user_id: string }>(
      'replace_names',
      `with unmentioned as (
         delete from post_mentions
          where post_id = $1 and user_id <> all($2::uuid[])
            and user_id is distinct from (
              select parent.author_id from posts p join posts parent on parent.id = p.reply_to
               where p.id = $1 and p.visibility = 'mentioned')),
            untagged as (delete from post_tags where post_id = $1 and tag <> all($3::text[])),
            tagged as (insert into post_tags (post_id, tag) select $1, unnest($3::text[]) on conflict do nothing)
       insert into post_mentions (post_id, user_id) select $1, unnest($2::uuid[]) on conflict do nothing
       returning user_id`,
      [postId, mentioned, tags],
    );
    return rows.map(({ user_id }) => user_id);
  }

  /** Its row stays for a while, as a tombstone; whom it named does too, since they may know that it was there. */
  async markDeleted(id: string): Promise<Date | undefined> {
    const { rows } = await this.db.query<{ deleted_at: Date }>(
      'delete_post',
      `with untagged as (delete from post_tags where post_id = $1)
       update posts set deleted_at = now() where id = $1 and deleted_at is null returning deleted_at`,
      [id],
    );
    return rows[0]?.deleted_at;
  }
}

/** Reads single posts, all that are asked for in one turn of the event loop in one statement. */
export class PostRows {
  readonly find: GatheredRead<string, PostRow>;

  constructor(db: Queryable) {
    this.find = createGatheredRead<string, PostRow>({
      db,
      name: 'find_post_rows',
      text: `select ${postColumns}
               from posts p join profiles a on a.user_id = p.author_id
              where p.id = any($1)`,
      keyOf: ({ id }) => id,
    });
  }
}
