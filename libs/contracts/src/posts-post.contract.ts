import { z } from 'zod';
import { timestamp, username, uuid } from './common';
import { defineEvent } from './define-event';
import { defineRoute } from './define-route';
import { postMedia } from './posts-media.contract';

const tags = ['posts'] as const;

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const longestText = 500;

/** Counts what a reader sees as characters; 16 bytes a grapheme is the bound that keeps counting cheap. */
const withinLength = (text: string) =>
  text.length <= longestText * 16 && [...graphemes.segment(text)].length <= longestText;

/** Postgres cannot store a null character, and the other controls have no place in a text but line break and tab. */
const hasNoControls = (text: string) => !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/.test(text);

export const postText = z
  .string()
  .refine((text) => text.trim() !== '', 'must not be empty')
  .refine((text) => text.isWellFormed(), 'must be well-formed Unicode')
  .refine(hasNoControls, 'must not have control characters')
  .refine(withinLength, `must have at most ${longestText} characters`);

export const postVisibility = z
  .enum(['public', 'followers', 'mentioned'])
  .meta({ id: 'PostVisibility', description: 'Who may see it, besides its author' });

export type PostVisibility = z.output<typeof postVisibility>;

/** Where in the text something stands, in bytes of its UTF-8, the end not included. */
const range = { start: z.int().nonnegative(), end: z.int().positive() };

export const postFacet = z
  .discriminatedUnion('type', [
    z.object({ type: z.literal('link'), ...range, url: z.string() }),
    z.object({ type: z.literal('mention'), ...range, userId: uuid, username }),
    z.object({ type: z.literal('tag'), ...range, tag: z.string() }),
  ])
  .meta({ id: 'PostFacet', description: 'What a part of the text is' });

export type PostFacet = z.output<typeof postFacet>;

const count = z.int().nonnegative();

export const post = z
  .object({
    id: uuid,
    author: z.object({ id: uuid, username }),
    text: z.string().meta({ description: 'As it was written: escape it for where you show it' }),
    facets: z.array(postFacet),
    media: z.array(postMedia),
    visibility: postVisibility,
    replyTo: uuid.nullable(),
    rootId: uuid
      .nullable()
      .meta({ description: 'The post that its thread begins with; null for such a one' }),
    quoteOf: uuid.nullable(),
    createdAt: timestamp,
    editedAt: timestamp.nullable(),
    version: z.int().positive(),
    counts: z.object({ likes: count, reposts: count, replies: count, quotes: count }),
  })
  .meta({ id: 'Post' });

export type Post = z.output<typeof post>;

/** What stands in a thread where a post has been deleted. */
export const postTombstone = z
  .object({ id: uuid, deleted: z.literal(true) })
  .meta({ id: 'PostTombstone', description: 'A post that was deleted' });

export const createPostRoute = defineRoute({
  method: 'post',
  path: '/api/v1/posts',
  operationId: 'createPost',
  summary: 'Publish a post',
  tags,
  auth: 'user',
  body: z.strictObject({ text: postText }),
  bodyLimit: '16kb',
  idempotent: true,
  responses: {
    201: { description: 'The post', schema: post, headers: { Location: 'Where the post can be read' } },
  },
});

export const getPostRoute = defineRoute({
  method: 'get',
  path: '/api/v1/posts/:id',
  operationId: 'getPost',
  summary: 'Read a post',
  tags,
  auth: 'user',
  params: z.strictObject({ id: uuid }),
  responses: {
    200: { description: 'The post', schema: post, headers: { ETag: 'Its version and its counts' } },
    304: { description: 'It is still what If-None-Match names' },
  },
  problems: { 404: ['NOT_FOUND'], 410: ['POST_DELETED'] },
});

export const postsPostRoutes = [createPostRoute, getPostRoute] as const;

/** A post that is answered or quoted, and who wrote it. */
const otherPost = z.object({ postId: uuid, authorId: uuid });

export const postCreated = defineEvent(
  'post.created',
  1,
  z.object({
    postId: uuid,
    authorId: uuid,
    authorUsername: username,
    createdAt: timestamp,
    visibility: postVisibility.optional(),
    replyTo: otherPost.optional(),
    rootId: uuid.optional(),
    quoteOf: otherPost.optional(),
    mentions: z.array(z.object({ userId: uuid })).optional(),
  }),
);

export const postUpdated = defineEvent(
  'post.updated',
  1,
  z.object({ postId: uuid, authorId: uuid, version: z.int().positive(), editedAt: timestamp }),
);

export const postDeleted = defineEvent(
  'post.deleted',
  1,
  z.object({ postId: uuid, authorId: uuid, deletedAt: timestamp }),
);

/** Tells each person that a post names, with their own id as the key. */
export const userMentioned = defineEvent(
  'user.mentioned',
  1,
  z.object({ userId: uuid, postId: uuid, authorId: uuid, authorUsername: username, mentionedAt: timestamp }),
);

export const postsPostEvents = [postCreated, postUpdated, postDeleted, userMentioned] as const;
