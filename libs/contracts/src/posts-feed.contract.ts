import { pageOf, pageQuery } from './common';
import { defineRoute } from './define-route';
import { post } from './posts-post.contract';

/** A page of whole posts. It may hold fewer than were asked for: the list ends where `nextCursor` is null. */
export const postPage = pageOf(post).meta({ id: 'PostPage' });

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
      schema: postPage,
      headers: { Link: 'The next page, as rel="next"' },
    },
  },
  problems: { 400: ['INVALID_CURSOR'] },
});

export const postsFeedRoutes = [homeFeedRoute] as const;
