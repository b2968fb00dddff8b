import type { Queryable, QueryOptions } from '@rostrum/data-access';
import type { Person } from '../profiles/profile';
import type { Draft, DraftContent } from './draft';

const columns = `drafts.id, author_id as "authorId", text, reply_to as "replyTo", quote_of as "quoteOf", visibility, media::text[] as media,
  publish_at as "publishAt", failure, drafts.created_at as "createdAt", updated_at as "updatedAt", version`;

/** Above every id. */
const newest = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

export class DraftsRepository {
  constructor(private readonly db: Queryable) {}

  async insert(draft: Draft): Promise<void> {
    const { id, authorId, text, replyTo, quoteOf, visibility, media, publishAt, createdAt, version } = draft;
    await this.db.query(
      'insert_draft',
      `insert into drafts (id, author_id, text, reply_to, quote_of, visibility, publish_at, due_at,
                           created_at, updated_at, version, media)
       values ($1, $2, $3, $4, $5, $6, $7, $7, $8, $8, $9, $10)`,
      [id, authorId, text, replyTo, quoteOf, visibility, publishAt, createdAt, version, media],
    );
  }

  /** As many as there are, up to `most`. */
  async count(authorId: string, most: number): Promise<number> {
    const { rows } = await this.db.query<{ count: number }>(
      'count_drafts',
      'select count(*)::int as count from (select from drafts where author_id = $1 limit $2) few',
      [authorId, most],
    );
    return rows[0]?.count ?? 0;
  }

  async list(
    authorId: string,
    { before = newest, limit }: { before: string | undefined; limit: number },
    options?: QueryOptions,
  ): Promise<Draft[]> {
    const { rows } = await this.db.query<Draft>(
      'list_drafts',
      `select ${columns} from drafts where author_id = $1 and id < $2 order by id desc limit $3`,
      [authorId, before, limit],
      options,
    );
    return rows;
  }

  async find(authorId: string, id: string, options?: QueryOptions): Promise<Draft | undefined> {
    const { rows } = await this.db.query<Draft>(
      'find_draft',
      `select ${columns} from drafts where id = $1 and author_id = $2`,
      [id, authorId],
      options,
    );
    return rows[0];
  }

  /** Locked, so that nobody else replaces or publishes it meanwhile. */
  async lock(authorId: string, id: string): Promise<Draft | undefined> {
    const { rows } = await this.db.query<Draft>(
      'lock_draft',
      `select ${columns} from drafts where id = $1 and author_id = $2 for update`,
      [id, authorId],
    );
    return rows[0];
  }

  async replace(id: string, content: DraftContent): Promise<Draft | undefined> {
    const { text, replyTo, quoteOf, visibility, media, publishAt } = content;
    const { rows } = await this.db.query<Draft>(
      'replace_draft',
      `update drafts set text = $2, reply_to = $3, quote_of = $4, visibility = $5, publish_at = $6, due_at = $6,
                         media = $7,
                         failure = null, updated_at = now(), version = version + 1
        where id = $1 returning ${columns}`,
      [id, text, replyTo, quoteOf, visibility, publishAt, media],
    );
    return rows[0];
  }

  async remove(authorId: string, id: string): Promise<void> {
    await this.db.query('delete_draft', 'delete from drafts where id = $1 and author_id = $2', [
      id,
      authorId,
    ]);
  }

  /** Takes it away in this version: whoever does that publishes it, and nobody else. */
  async take({ id, version }: Pick<Draft, 'id' | 'version'>): Promise<boolean> {
    const { rowCount } = await this.db.query(
      'take_draft',
      'delete from drafts where id = $1 and version = $2',
      [id, version],
    );
    return rowCount > 0;
  }
}

export interface DueDraft {
  draft: Draft;
  author: Person;
}

/** What the worker asks of drafts. */
export class DueDraftsRepository {
  constructor(private readonly db: Queryable) {}

  async list(limit: number): Promise<DueDraft[]> {
    const { rows } = await this.db.query<Draft & { username: string }>(
      'list_due_drafts',
      `select ${columns}, username from drafts join profiles on user_id = author_id
        where due_at <= now() order by due_at limit $1`,
      [limit],
    );
    return rows.map(({ username, ...draft }) => ({ draft, author: { id: draft.authorId, username } }));
  }

  /** It is not tried again, and its author is told why. */
  async refuse({ id, version }: Draft, failure: string): Promise<void> {
    await this.db.query(
      'refuse_draft',
      `update drafts set failure = $3, publish_at = null, due_at = null, updated_at = now(), version = version + 1
        where id = $1 and version = $2`,
      [id, version, failure],
    );
  }

  async putOff({ id, version }: Draft, seconds: number): Promise<void> {
    await this.db.query(
      'put_off_draft',
      `update drafts set due_at = now() + make_interval(secs => $3) where id = $1 and version = $2`,
      [id, version, seconds],
    );
  }
}
