import { pageQuery } from './common';
import { defineRoute } from './define-route';
import { postPage } from './posts-feed.contract';

export const exploreRoute = defineRoute({
  method: 'get',
  path: '/api/v1/feed/explore',
  operationId: 'explore',
  summary: 'Read what many people react to at present, whoever wrote it',
  description:
    'Public posts of the last three days. The order is that of one moment, and stays the same from page to page: a first page without a cursor begins with a new one.',
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

export const postsExploreRoutes = [exploreRoute] as const;
