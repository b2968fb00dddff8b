import type { PostFacet, PostMedia, PostVisibility } from '@rostrum/contracts';
import type { PostFacts } from '../visibility/decide';
import type { Post } from './post';

/** What statements select of a post and its author. */
export interface PostRow {
  id: string;
  author_id: string;
  username: string;
  text: string;
  facets: PostFacet[];
  media: PostMedia[];
  visibility: PostVisibility;
  reply_to: string | null;
  root_id: string | null;
  quote_of: string | null;
  created_at: Date;
  edited_at: Date | null;
  version: number;
  likes: number;
  reposts: number;
  replies: number;
  quotes: number;
  hidden: boolean;
  deleted: boolean;
  author_private: boolean;
  /** Suspended or deleted. */
  author_gone: boolean;
  /** Only of a post that is for those whom it names. */
  mentioned: string[] | null;
}

/** The columns of a `PostRow`, of `posts p` and its author `profiles a`. */
export const postColumns = `p.id, p.author_id, a.username, p.text, p.facets, p.media, p.visibility,
  p.reply_to, p.root_id, p.quote_of, p.created_at, p.edited_at, p.version, p.likes, p.reposts, p.replies, p.quotes,
  p.hidden_at is not null as hidden, p.deleted_at is not null as deleted,
  a.is_private as author_private, a.suspended_at is not null or a.deleted_at is not null as author_gone,
  case when p.visibility = 'mentioned'
       then array(select user_id::text from post_mentions where post_id = p.id) end as mentioned`;

export function toPost(row: PostRow): Post {
  const { likes, reposts, replies, quotes } = row;
  return {
    id: row.id,
    author: { id: row.author_id, username: row.username },
    text: row.text,
    facets: row.facets,
    media: row.media,
    visibility: row.visibility,
    replyTo: row.reply_to,
    rootId: row.root_id,
    quoteOf: row.quote_of,
    createdAt: row.created_at,
    editedAt: row.edited_at,
    version: row.version,
    counts: { likes, reposts, replies, quotes },
  };
}

export function toFacts({ author_id, visibility, hidden, deleted, mentioned }: PostRow): PostFacts {
  return { authorId: author_id, visibility, hidden, deleted, mentioned: mentioned ?? [] };
}
