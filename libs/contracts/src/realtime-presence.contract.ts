import { z } from 'zod';
import { timestamp, uuid } from './common';
import { defineRoute } from './define-route';

const tags = ['realtime'] as const;

const presence = z
  .object({ userId: uuid, online: z.boolean(), state: z.enum(['online', 'away', 'offline']) })
  .meta({ id: 'Presence' });

/** Whoever is invisible, or has blocked you or is blocked by you, looks as if offline. */
export const presenceRoute = defineRoute({
  method: 'get',
  path: '/api/v1/realtime/presence/:userId',
  operationId: 'getPresence',
  summary: 'See whether a person is online',
  tags,
  auth: 'user',
  params: z.strictObject({ userId: uuid }),
  responses: { 200: { description: 'Their presence', schema: presence } },
});

export const presencesRoute = defineRoute({
  method: 'get',
  path: '/api/v1/realtime/presence',
  operationId: 'listPresence',
  summary: 'See which of some people are online',
  description:
    'Up to 100 ids, separated by commas. Whoever is invisible, or has blocked you or is blocked by you, looks as if offline.',
  tags,
  auth: 'user',
  query: z.strictObject({
    users: z
      .string()
      .max(3_700)
      .transform((text) => text.split(','))
      .pipe(z.array(uuid).min(1).max(100)),
  }),
  responses: {
    200: { description: 'Their presence, in this order', schema: z.object({ items: z.array(presence) }) },
  },
});

export const realtimeStatsRoute = defineRoute({
  method: 'get',
  path: '/api/v1/realtime/stats',
  operationId: 'getRealtimeStats',
  summary: 'How many sockets are open, and where',
  tags,
  auth: 'user',
  permission: 'realtime.read',
  responses: {
    200: {
      description: 'Of all processes that have told of themselves in the last half minute',
      schema: z
        .object({
          connections: z.int().nonnegative(),
          instances: z.array(
            z.object({
              id: z.string(),
              connections: z.int().nonnegative(),
              people: z.int().nonnegative(),
              queuedBytes: z.int().nonnegative(),
              startedAt: timestamp,
              seenAt: timestamp,
            }),
          ),
        })
        .meta({ id: 'RealtimeStats' }),
    },
  },
});

export const realtimePresenceRoutes = [presencesRoute, presenceRoute, realtimeStatsRoute] as const;
