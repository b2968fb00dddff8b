import { z } from 'zod';
import { pageOf, pageQuery, timestamp, username, uuid } from './common';
import { defineEvent } from './define-event';
import { defineRoute } from './define-route';
import { postMedia, postMediaIds } from './posts-media.contract';
import { postText } from './posts-text.contract';

const tags = ['posts'] as const;

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

/** What the author decides of a new post. A reply to a post is for whom that one is for, unless it says otherwise. */
export const newPost = z.strictObject({
  text: postText,
  replyTo: uuid.optional(),
  quoteOf: uuid.optional(),
  visibility: postVisibility.optional(),
  media: postMediaIds.optional(),
});

export type NewPost = z.output<typeof newPost>;

const bodyLimit = '16kb';
const params = z.strictObject({ id: uuid });

const mostIds = 100;

/** `?ids=a,b,c` */
const postIds = z
  .string()
  .max(mostIds * 40)
  .transform((ids) => ids.split(','))
  .pipe(z.array(uuid).min(1).max(mostIds))
  .meta({ description: `Up to ${mostIds} ids, with commas between them` });

export const createPostRoute = defineRoute({
  method: 'post',
  path: '/api/v1/posts',
  operationId: 'createPost',
  summary: 'Publish a post',
  tags,
  auth: 'user',
  body: newPost,
  bodyLimit,
  idempotent: true,
  responses: {
    201: {
      description: 'The post',
      schema: post,
      headers: { Location: 'Where the post can be read', ETag: 'Its version and its counts' },
    },
  },
  problems: { 422: ['REPLY_TO_NOT_FOUND', 'QUOTE_OF_NOT_FOUND', 'MEDIA_NOT_USABLE'] },
});

export const listPostsRoute = defineRoute({
  method: 'get',
  path: '/api/v1/posts',
  operationId: 'listPosts',
  summary: 'Read several posts by their ids',
  description: 'Those that you may see, in the order of the ids.',
  tags,
  auth: 'user',
  query: z.strictObject({ ids: postIds }),
  responses: { 200: { description: 'The posts', schema: z.object({ items: z.array(post) }) } },
});

export const getPostRoute = defineRoute({
  method: 'get',
  path: '/api/v1/posts/:id',
  operationId: 'getPost',
  summary: 'Read a post',
  tags,
  auth: 'user',
  params,
  responses: {
    200: { description: 'The post', schema: post, headers: { ETag: 'Its version and its counts' } },
    304: { description: 'It is still what If-None-Match names' },
  },
  problems: { 404: ['NOT_FOUND'], 410: ['POST_DELETED'] },
});

export const editPostRoute = defineRoute({
  method: 'patch',
  path: '/api/v1/posts/:id',
  operationId: 'editPost',
  summary: 'Change the text and the pictures of a post of yours',
  description:
    'Pictures that are left out stay as they are. Asks for `If-Match` with the ETag that you have read; of it, the version counts and the counts do not. What it said before stays among its versions.',
  tags,
  auth: 'user',
  params,
  body: z.strictObject({ text: postText, media: postMediaIds.optional() }),
  bodyLimit,
  idempotent: true,
  responses: {
    200: { description: 'The post', schema: post, headers: { ETag: 'Its version and its counts' } },
  },
  problems: {
    403: ['FORBIDDEN'],
    404: ['NOT_FOUND'],
    410: ['POST_DELETED'],
    412: ['PRECONDITION_FAILED'],
    422: ['MEDIA_NOT_USABLE'],
    428: ['PRECONDITION_REQUIRED'],
  },
});

export const deletePostRoute = defineRoute({
  method: 'delete',
  path: '/api/v1/posts/:id',
  operationId: 'deletePost',
  summary: 'Delete a post of yours',
  tags,
  auth: 'user',
  params,
  idempotent: true,
  responses: { 204: { description: 'It is deleted, now or before' } },
  problems: { 403: ['FORBIDDEN'], 404: ['NOT_FOUND'], 410: ['POST_DELETED'] },
});

export const postVersion = z
  .object({
    version: z.int().positive(),
    text: z.string(),
    facets: z.array(postFacet),
    media: z.array(postMedia),
    writtenAt: timestamp,
  })
  .meta({ id: 'PostVersion', description: 'What a post says, or has said' });

export type PostVersion = z.output<typeof postVersion>;

export const listPostVersionsRoute = defineRoute({
  method: 'get',
  path: '/api/v1/posts/:id/versions',
  operationId: 'listPostVersions',
  summary: 'Read what a post says and has said, newest first',
  tags,
  auth: 'user',
  params,
  query: pageQuery,
  responses: {
    200: {
      description: 'A page of versions',
      schema: pageOf(postVersion).meta({ id: 'PostVersionPage' }),
      headers: { Link: 'The next page, as rel="next"' },
    },
  },
  problems: { 400: ['INVALID_CURSOR'], 404: ['NOT_FOUND'], 410: ['POST_DELETED'] },
});

export const postsPostRoutes = [
  createPostRoute,
  listPostsRoute,
  getPostRoute,
  editPostRoute,
  deletePostRoute,
  listPostVersionsRoute,
] as const;

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
