import { z } from 'zod';
import { pageOf, pageQuery, username, uuid } from './common';
import { defineRoute } from './define-route';
import { post } from './posts-post.contract';

/** A page of whole posts. It may hold fewer than were asked for: the list ends where `nextCursor` is null. */
export const postPage = pageOf(post).meta({ id: 'PostPage' });

/** A post as it stands in a home feed. */
export const feedItem = post
  .extend({
    repostedBy: z
      .object({ id: uuid, username })
      .optional()
      .meta({ description: 'Who has passed it on; not there where the post is in its own place' }),
  })
  .meta({ id: 'FeedItem' });

export type FeedItem = z.output<typeof feedItem>;

export const feedPage = pageOf(feedItem).meta({ id: 'FeedPage' });

export const homeFeedRoute = defineRoute({
  method: 'get',
  path: '/api/v1/feed',
  operationId: 'getHomeFeed',
  summary: 'Read the posts of those you follow, newest first',
  description:
    'With what they have passed on, at the time when they did so. On a page each post stands once: in the newest of its places.',
  tags: ['feed'],
  auth: 'user',
  query: pageQuery,
  responses: {
    200: {
      description: 'A page of posts',
      schema: feedPage,
      headers: { Link: 'The next page, as rel="next"' },
    },
  },
  problems: { 400: ['INVALID_CURSOR'] },
});

export const postsFeedRoutes = [homeFeedRoute] as const;
