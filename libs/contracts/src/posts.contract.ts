import { z } from 'zod';
import { pageOf, pageQuery, timestamp, username, uuid } from './common';
import { defineEvent } from './define-event';
import { defineRoute } from './define-route';

const tags = ['posts'] as const;

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const longestText = 500;

/** Counts what a reader sees as characters; 16 bytes a grapheme is the bound that keeps counting cheap. */
const withinLength = (text: string) =>
  text.length <= longestText * 16 && [...graphemes.segment(text)].length <= longestText;

/** Postgres cannot store a null character, and the other controls have no place in a text but line break and tab. */
const hasNoControls = (text: string) => !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/.test(text);

const postText = z
  .string()
  .refine((text) => text.trim() !== '', 'must not be empty')
  .refine((text) => text.isWellFormed(), 'must be well-formed Unicode')
  .refine(hasNoControls, 'must not have control characters')
  .refine(withinLength, `must have at most ${longestText} characters`);

export const post = z
  .object({
    id: uuid,
    author: z.object({ id: uuid, username }),
    text: z.string(),
    createdAt: timestamp,
    version: z.int().positive(),
  })
  .meta({ id: 'Post' });

export type Post = z.output<typeof post>;

export const profile = z
  .object({
    id: uuid,
    username,
    followers: z.int().nonnegative(),
    following: z.int().nonnegative(),
    createdAt: timestamp,
  })
  .meta({ id: 'Profile', description: 'What others see of an account' });

export type Profile = z.output<typeof profile>;

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
    200: { description: 'The post', schema: post, headers: { ETag: 'Its version' } },
    304: { description: 'It is still the version of If-None-Match' },
  },
  problems: { 404: ['NOT_FOUND'] },
});

export const homeFeedRoute = defineRoute({
  method: 'get',
  path: '/api/v1/feed',
  operationId: 'getHomeFeed',
  summary: 'Read the posts of those you follow, newest first',
  tags: ['feed'],
  auth: 'user',
  query: pageQuery,
  responses: {
    200: {
      description: 'A page of posts',
      schema: pageOf(post).meta({ id: 'PostPage' }),
      headers: { Link: 'The next page, as rel="next"' },
    },
  },
  problems: { 400: ['INVALID_CURSOR'] },
});

export const getProfileRoute = defineRoute({
  method: 'get',
  path: '/api/v1/users/:username',
  operationId: 'getProfile',
  summary: 'Read a profile',
  tags: ['users'],
  auth: 'user',
  params: z.strictObject({ username }),
  responses: { 200: { description: 'The profile', schema: profile } },
  problems: { 404: ['NOT_FOUND'] },
});

export const followRoute = defineRoute({
  method: 'put',
  path: '/api/v1/users/:username/follow',
  operationId: 'follow',
  summary: 'Follow a person',
  tags: ['users'],
  auth: 'user',
  params: z.strictObject({ username }),
  idempotent: true,
  responses: { 204: { description: 'You follow them' } },
  problems: { 404: ['NOT_FOUND'], 409: ['CANNOT_FOLLOW_YOURSELF'] },
});

export const unfollowRoute = defineRoute({
  method: 'delete',
  path: '/api/v1/users/:username/follow',
  operationId: 'unfollow',
  summary: 'Stop following a person',
  tags: ['users'],
  auth: 'user',
  params: z.strictObject({ username }),
  idempotent: true,
  responses: { 204: { description: 'You do not follow them' } },
  problems: { 404: ['NOT_FOUND'] },
});

export const postsRoutes = [
  createPostRoute,
  getPostRoute,
  homeFeedRoute,
  getProfileRoute,
  followRoute,
  unfollowRoute,
] as const;

export const postCreated = defineEvent(
  'post.created',
  1,
  z.object({ postId: uuid, authorId: uuid, authorUsername: username, createdAt: timestamp }),
);

export const userFollowed = defineEvent(
  'user.followed',
  1,
  z.object({ followerId: uuid, followerUsername: username, followeeId: uuid, followedAt: timestamp }),
);

export const postsEvents = [postCreated, userFollowed] as const;
