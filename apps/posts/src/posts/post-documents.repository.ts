import type { PostFacet, PostMedia } from '@rostrum/contracts';
import { createGatheredRead, type GatheredRead, type Queryable } from '@rostrum/data-access';
import { toFacetBody, toMediaBody } from './post';
import { postShape } from './post-document';

/** What is read of a post to show it: all but two lists has been put together where it is kept. */
export interface PostDocumentRow {
  id: string;
  author_private: boolean;
  /** Suspended or deleted. */
  author_gone: boolean;
  /** What comes before the facets. */
  head: string;
  facets: PostFacet[];
  media: PostMedia[];
  /** What comes after the media; null: it has been deleted, and the head is all. */
  tail: string | null;
}

const flags = `left(p.visibility, 1), case when p.hidden_at is null then '-' else 'h' end,
         case when p.deleted_at is null then '-' else 'd' end`;
const mentioned = `case when p.visibility = 'mentioned'
                        then (select string_agg(user_id::text, '') from post_mentions where post_id = p.id) end`;
const idOrNull = (column: string) => `coalesce('"' || ${column} || '"', 'null')`;
const time = (column: string) =>
  `'"' || to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || '"'`;

/** As `unpackPost` and `toPostBody` say. To parse a row's values, and to write them anew, took four times as long. */
const columns = `p.id, a.is_private as author_private,
  a.suspended_at is not null or a.deleted_at is not null as author_gone,
  concat(${flags}, p.author_id, ${mentioned}, '"${postShape}.', p.version, '.',
         case when p.deleted_at is null
              then concat(p.likes, '-', p.reposts, '-', p.replies, '-', p.quotes, '"{"id":"', p.id,
                          '","author":{"id":"', p.author_id, '","username":', to_json(a.username),
                          '},"text":', to_json(p.text), ',"facets":')
              else concat('deleted"{"id":"', p.id, '","deleted":true}') end) as head,
  p.facets, p.media,
  case when p.deleted_at is null
       then concat(',"visibility":"', p.visibility, '","replyTo":', ${idOrNull('p.reply_to')},
                   ',"rootId":', ${idOrNull('p.root_id')}, ',"quoteOf":', ${idOrNull('p.quote_of')},
                   ',"createdAt":', ${time('p.created_at')}, ',"editedAt":', coalesce(${time('p.edited_at')}, 'null'),
                   ',"version":', p.version, ',"counts":{"likes":', p.likes, ',"reposts":', p.reposts,
                   ',"replies":', p.replies, ',"quotes":', p.quotes, '}}') end as tail`;

/** Reads posts as they are shown and cached, all that are asked for in one turn of the event loop in one statement. */
export class PostDocuments {
  readonly find: GatheredRead<string, PostDocumentRow>;

  constructor(db: Queryable) {
    this.find = createGatheredRead<string, PostDocumentRow>({
      db,
      name: 'find_posts',
      text: `select ${columns}
               from posts p join profiles a on a.user_id = p.author_id
              where p.id = any($1)`,
      keyOf: ({ id }) => id,
    });
  }
}

/** What `unpackPost` takes apart. */
export function packedOf({ head, facets, media, tail }: PostDocumentRow): string {
  if (tail === null) return head;
  return `${head}${listOf(facets, toFacetBody)},"media":${listOf(media, toMediaBody)}${tail}`;
}

/** Most posts have none. PostgreSQL keeps the fields of an object in an order of its own. */
function listOf<T>(items: readonly T[], bodyOf: (item: T) => T): string {
  return items.length === 0 ? '[]' : JSON.stringify(items.map(bodyOf));
}
