import { z } from 'zod';
import { timestamp, username, uuid } from './common';
import { defineEvent } from './define-event';
import { defineRoute } from './define-route';

const most = 200;
const mostViewers = 1000;

/** For services only: the gateway passes nothing on that is not under /api/v1/. */
const internal = { tags: ['posts'], auth: 'none', rateLimit: 'none', bodyLimit: '64kb' } as const;

export const visibleRoute = defineRoute({
  ...internal,
  method: 'post',
  path: '/internal/visible',
  operationId: 'findVisible',
  summary: 'What a person may see',
  body: z.strictObject({
    viewerId: uuid,
    postIds: z.array(uuid).max(most),
    usernames: z.array(username).max(most),
  }),
  responses: {
    200: {
      description: 'Those of them that the person may see, and whose they are',
      schema: z.object({
        postIds: z.array(uuid),
        /** Who wrote them, in their order. */
        authorIds: z.array(uuid).optional(),
        usernames: z.array(username),
        /** Who has these names, in their order. */
        userIds: z.array(uuid).optional(),
      }),
    },
  },
});

/** The most posts, and the most people, of one question. */
export const mostVisibleAsked = most;

export const viewersRoute = defineRoute({
  ...internal,
  method: 'post',
  path: '/internal/viewers',
  operationId: 'findViewers',
  summary: 'Who may see a post',
  body: z.strictObject({ postId: uuid, viewerIds: z.array(uuid).max(mostViewers) }),
  responses: {
    200: {
      description: 'Those of them who may see it',
      schema: z.object({ viewerIds: z.array(uuid) }),
    },
  },
});

/** The most people of one question. */
export const mostViewersAsked = mostViewers;

const mostPairs = 1000;

/** Where a page of pairs of people ended: both their ids. */
const pairPosition = z.templateLiteral([uuid, '.', uuid]);

const pageOfPairs = {
  after: pairPosition.optional(),
  limit: z.coerce.number().int().min(1).max(mostPairs).default(mostPairs),
};

export const allFollowsRoute = defineRoute({
  ...internal,
  method: 'get',
  path: '/internal/follows',
  operationId: 'listAllFollows',
  summary: 'Read who follows whom, page by page, for a copy that begins later than the follows',
  description:
    'Of what changes meanwhile, events tell. Every follow that is there from the first page to the last is in one of them.',
  query: z.strictObject(pageOfPairs),
  responses: {
    200: {
      description: 'A page of follows',
      schema: z.object({
        items: z.array(z.object({ followerId: uuid, followeeId: uuid, followedAt: timestamp })),
        next: z.string().nullable(),
      }),
    },
  },
});

export const allAvoidancesRoute = defineRoute({
  ...internal,
  method: 'get',
  path: '/internal/avoidances',
  operationId: 'listAllAvoidances',
  summary: 'Read who has blocked or muted whom, page by page, for a copy that begins later than they did',
  description:
    'Of what changes meanwhile, events tell. Whatever is there from the first page to the last is in one of them.',
  query: z.strictObject({ kind: z.enum(['block', 'mute']), ...pageOfPairs }),
  responses: {
    200: {
      description: 'A page of blocks, or of mutes',
      schema: z.object({
        items: z.array(z.object({ personId: uuid, otherId: uuid, since: timestamp })),
        next: z.string().nullable(),
      }),
    },
  },
});

export const postsInternalRoutes = [visibleRoute, viewersRoute, allFollowsRoute, allAvoidancesRoute] as const;

/**
 * Who may see somebody, or what they write, has changed: they have become private or public, or have been suspended,
 * restored or deleted. Told when all that posts answers is as the event says. The key is the person.
 */
export const profileVisibilityChanged = defineEvent(
  'profile.visibilityChanged',
  1,
  z.object({ userId: uuid, isPrivate: z.boolean(), isGone: z.boolean(), changedAt: timestamp }),
);

export const postsVisibleEvents = [profileVisibilityChanged] as const;
