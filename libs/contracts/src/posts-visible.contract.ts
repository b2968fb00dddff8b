import { z } from 'zod';
import { username, uuid } from './common';
import { defineRoute } from './define-route';

const most = 200;

/** For services only: the gateway passes nothing on that is not under /api/v1/. */
export const visibleRoute = defineRoute({
  method: 'post',
  path: '/internal/visible',
  operationId: 'findVisible',
  summary: 'What a person may see',
  tags: ['posts'],
  auth: 'none',
  rateLimit: 'none',
  body: z.strictObject({
    viewerId: uuid,
    postIds: z.array(uuid).max(most),
    usernames: z.array(username).max(most),
  }),
  bodyLimit: '64kb',
  responses: {
    200: {
      description: 'Those of them that the person may see',
      schema: z.object({ postIds: z.array(uuid), usernames: z.array(username) }),
    },
  },
});

/** The most posts, and the most people, of one question. */
export const mostVisibleAsked = most;
