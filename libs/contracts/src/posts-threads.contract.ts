import { z } from 'zod';
import { pageOf, pageQuery, username, uuid } from './common';
import { defineRoute } from './define-route';
import { postPage } from './posts-feed.contract';
import { post, postTombstone } from './posts-post.contract';

/** A page in which what has been deleted has left its place. */
export const threadPage = pageOf(z.union([post, postTombstone])).meta({ id: 'ThreadPage' });

const headers = { Link: 'The next page, as rel="next"' };
const params = z.strictObject({ id: uuid });

export const listRepliesRoute = defineRoute({
  method: 'get',
  path: '/api/v1/posts/:id/replies',
  operationId: 'listReplies',
  summary: 'Read the direct replies to a post, oldest first',
  tags: ['posts'],
  auth: 'user',
  params,
  query: pageQuery,
  responses: { 200: { description: 'A page of replies', schema: threadPage, headers } },
  problems: { 400: ['INVALID_CURSOR'], 404: ['NOT_FOUND'] },
});

export const getThreadRoute = defineRoute({
  method: 'get',
  path: '/api/v1/posts/:id/thread',
  operationId: 'getThread',
  summary: 'Read the thread that a post belongs to, from its beginning on',
  description:
    'All posts of the thread in the order in which they were written; `replyTo` makes them a tree.',
  tags: ['posts'],
  auth: 'user',
  params,
  query: pageQuery,
  responses: { 200: { description: 'A page of posts', schema: threadPage, headers } },
  problems: { 400: ['INVALID_CURSOR'], 404: ['NOT_FOUND'] },
});

export const listUserPostsRoute = defineRoute({
  method: 'get',
  path: '/api/v1/users/:username/posts',
  operationId: 'listUserPosts',
  summary: 'Read what a person has written, newest first',
  tags: ['users'],
  auth: 'user',
  params: z.strictObject({ username }),
  query: pageQuery,
  responses: { 200: { description: 'A page of posts', schema: postPage, headers } },
  problems: { 400: ['INVALID_CURSOR'], 404: ['NOT_FOUND'] },
});

export const postsThreadsRoutes = [listRepliesRoute, getThreadRoute, listUserPostsRoute] as const;
