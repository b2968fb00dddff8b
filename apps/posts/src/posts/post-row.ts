import type { Post } from './post';

/** What statements select of a post and its author. */
export interface PostRow {
  id: string;
  author_id: string;
  username: string;
  text: string;
  created_at: Date;
  version: number;
}

export function toPost(row: PostRow): Post {
  return {
    id: row.id,
    author: { id: row.author_id, username: row.username },
    text: row.text,
    createdAt: row.created_at,
    version: row.version,
  };
}
