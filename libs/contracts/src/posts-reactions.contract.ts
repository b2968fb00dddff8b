import { z } from 'zod';
import { pageQuery, timestamp, username, uuid } from './common';
import { defineEvent } from './define-event';
import { defineRoute } from './define-route';
import { postPage } from './posts-feed.contract';
import { personPage } from './posts-person.contract';

const tags = ['reactions'] as const;
const params = z.strictObject({ id: uuid });
const seen = { 404: ['NOT_FOUND'], 410: ['POST_DELETED'] } as const;
const link = { Link: 'The next page, as rel="next"' };

export const likePostRoute = defineRoute({
  method: 'put',
  path: '/api/v1/posts/:id/like',
  operationId: 'likePost',
  summary: 'Like a post',
  tags,
  auth: 'user',
  params,
  idempotent: true,
  responses: { 204: { description: 'You like it, now or before' } },
  problems: seen,
});

export const unlikePostRoute = defineRoute({
  method: 'delete',
  path: '/api/v1/posts/:id/like',
  operationId: 'unlikePost',
  summary: 'Like a post no longer',
  tags,
  auth: 'user',
  params,
  idempotent: true,
  responses: { 204: { description: 'You do not like it' } },
  problems: seen,
});

export const repostRoute = defineRoute({
  method: 'put',
  path: '/api/v1/posts/:id/repost',
  operationId: 'repost',
  summary: 'Pass a post on to your followers',
  description: 'Those of them see it who may see the post: a repost opens nothing to anybody.',
  tags,
  auth: 'user',
  params,
  idempotent: true,
  responses: { 204: { description: 'You have reposted it, now or before' } },
  problems: seen,
});

export const unrepostRoute = defineRoute({
  method: 'delete',
  path: '/api/v1/posts/:id/repost',
  operationId: 'unrepost',
  summary: 'Take a repost back',
  tags,
  auth: 'user',
  params,
  idempotent: true,
  responses: { 204: { description: 'You have not reposted it' } },
  problems: seen,
});

export const bookmarkPostRoute = defineRoute({
  method: 'put',
  path: '/api/v1/posts/:id/bookmark',
  operationId: 'bookmarkPost',
  summary: 'Keep a post among your bookmarks',
  description: 'Nobody else learns of it.',
  tags,
  auth: 'user',
  params,
  idempotent: true,
  responses: { 204: { description: 'It is among your bookmarks, now or before' } },
  problems: seen,
});

export const unbookmarkPostRoute = defineRoute({
  method: 'delete',
  path: '/api/v1/posts/:id/bookmark',
  operationId: 'unbookmarkPost',
  summary: 'Remove a post from your bookmarks',
  tags,
  auth: 'user',
  params,
  idempotent: true,
  responses: { 204: { description: 'It is not among your bookmarks' } },
  problems: seen,
});

export const listLikesRoute = defineRoute({
  method: 'get',
  path: '/api/v1/posts/:id/likes',
  operationId: 'listLikes',
  summary: 'Read who likes a post, the latest first',
  tags,
  auth: 'user',
  params,
  query: pageQuery,
  responses: { 200: { description: 'A page of people', schema: personPage, headers: link } },
  problems: { 400: ['INVALID_CURSOR'], ...seen },
});

export const listRepostsRoute = defineRoute({
  method: 'get',
  path: '/api/v1/posts/:id/reposts',
  operationId: 'listReposts',
  summary: 'Read who has reposted a post, the latest first',
  tags,
  auth: 'user',
  params,
  query: pageQuery,
  responses: { 200: { description: 'A page of people', schema: personPage, headers: link } },
  problems: { 400: ['INVALID_CURSOR'], ...seen },
});

export const listBookmarksRoute = defineRoute({
  method: 'get',
  path: '/api/v1/posts/bookmarks',
  operationId: 'listBookmarks',
  summary: 'Read your bookmarks, the latest first',
  tags,
  auth: 'user',
  query: pageQuery,
  responses: { 200: { description: 'A page of posts', schema: postPage, headers: link } },
  problems: { 400: ['INVALID_CURSOR'] },
});

const mostIds = 100;

export const myReactions = z
  .object({ id: uuid, liked: z.boolean(), reposted: z.boolean(), bookmarked: z.boolean() })
  .meta({ id: 'MyReactions', description: 'What you have done with a post' });

export type MyReactions = z.output<typeof myReactions>;

export const getReactionsRoute = defineRoute({
  method: 'get',
  path: '/api/v1/posts/reactions',
  operationId: 'getReactions',
  summary: 'Read what you have done with several posts',
  description:
    'An entry for each of the ids, in their order. A post itself is the same for everybody; this is yours.',
  tags,
  auth: 'user',
  query: z.strictObject({
    ids: z
      .string()
      .max(mostIds * 40)
      .transform((ids) => ids.split(','))
      .pipe(z.array(uuid).min(1).max(mostIds))
      .meta({ description: `Up to ${mostIds} ids, with commas between them` }),
  }),
  responses: {
    200: { description: 'What you have done', schema: z.object({ items: z.array(myReactions) }) },
  },
});

/** Somebody's reaction to somebody's post; the key is the post's author. */
const reaction = { postId: uuid, authorId: uuid, userId: uuid, username };

export const postLiked = defineEvent('post.liked', 1, z.object({ ...reaction, likedAt: timestamp }));

/** `repostId` is a UUIDv7: the repost's place among posts and other reposts in the order of time. */
export const postReposted = defineEvent(
  'post.reposted',
  1,
  z.object({ ...reaction, repostId: uuid.optional(), repostedAt: timestamp }),
);

/** Somebody has taken it back; the key is the post's author here too. */
const endedReaction = { postId: uuid, authorId: uuid, userId: uuid };

export const postUnliked = defineEvent(
  'post.unliked',
  1,
  z.object({ ...endedReaction, unlikedAt: timestamp }),
);

export const postUnreposted = defineEvent(
  'post.unreposted',
  1,
  z.object({ ...endedReaction, unrepostedAt: timestamp }),
);

export const postsReactionsRoutes = [
  likePostRoute,
  unlikePostRoute,
  repostRoute,
  unrepostRoute,
  bookmarkPostRoute,
  unbookmarkPostRoute,
  listLikesRoute,
  listRepostsRoute,
  listBookmarksRoute,
  getReactionsRoute,
] as const;

export const postsReactionsEvents = [postLiked, postReposted, postUnliked, postUnreposted] as const;
