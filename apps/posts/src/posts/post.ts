import type { Post as PostBody, PostFacet, PostMedia, PostVisibility } from '@rostrum/contracts';
import { newId } from '@rostrum/data-access';
import type { Person } from '../profiles/profile';

export interface PostCounts {
  likes: number;
  reposts: number;
  replies: number;
  quotes: number;
}

export interface Post {
  id: string;
  author: Person;
  text: string;
  facets: readonly PostFacet[];
  media: readonly PostMedia[];
  visibility: PostVisibility;
  replyTo: string | null;
  /** What its thread begins with; null for such a one. */
  rootId: string | null;
  quoteOf: string | null;
  createdAt: Date;
  editedAt: Date | null;
  version: number;
  counts: PostCounts;
}

/** What an author decides of a post. */
export type PostContent = Pick<
  Post,
  'text' | 'facets' | 'media' | 'visibility' | 'replyTo' | 'rootId' | 'quoteOf'
>;

const noCounts: PostCounts = Object.freeze({ likes: 0, reposts: 0, replies: 0, quotes: 0 });

/** A post that is being written now. Its time is the one in its id, so that both always give the same order. */
export function newPost(author: Person, content: PostContent): Post {
  const id = newId();
  const createdAt = new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16));
  return { id, author, ...content, createdAt, editedAt: null, version: 1, counts: noCounts };
}

/** Field by field, so that the same post is the same bytes whatever it was made from. */
export function toPostBody(post: Post): PostBody {
  const { author, counts } = post;
  return {
    id: post.id,
    author: { id: author.id, username: author.username },
    text: post.text,
    facets: post.facets.map(toFacetBody),
    media: post.media.map(toMediaBody),
    visibility: post.visibility,
    replyTo: post.replyTo,
    rootId: post.rootId,
    quoteOf: post.quoteOf,
    createdAt: post.createdAt.toISOString(),
    editedAt: post.editedAt && post.editedAt.toISOString(),
    version: post.version,
    counts: {
      likes: counts.likes,
      reposts: counts.reposts,
      replies: counts.replies,
      quotes: counts.quotes,
    },
  };
}

/** PostgreSQL keeps the fields of a JSON object in an order of its own. */
export function toFacetBody(facet: PostFacet): PostFacet {
  const { type, start, end } = facet;
  switch (type) {
    case 'link':
      return { type, start, end, url: facet.url };
    case 'mention':
      return { type, start, end, userId: facet.userId, username: facet.username };
    case 'tag':
      return { type, start, end, tag: facet.tag };
  }
}

export function toMediaBody({ id, type, url, width, height, alt }: PostMedia): PostMedia {
  return { id, type, url, width, height, alt };
}
