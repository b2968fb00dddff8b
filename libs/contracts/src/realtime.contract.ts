import { z } from 'zod';
import { pageOf, pageQuery, timestamp, username, uuid } from './common';
import { defineRoute } from './define-route';

const tags = ['realtime'] as const;

export const notification = z
  .object({
    id: uuid,
    kind: z.enum(['follow']),
    actor: z.object({ id: uuid, username }),
    createdAt: timestamp,
    read: z.boolean(),
  })
  .meta({ id: 'Notification' });

export type Notification = z.output<typeof notification>;

export const notificationsRoute = defineRoute({
  method: 'get',
  path: '/api/v1/realtime/notifications',
  operationId: 'listNotifications',
  summary: 'Read your notifications, newest first',
  tags,
  auth: 'user',
  query: pageQuery,
  responses: {
    200: {
      description: 'A page of notifications',
      schema: pageOf(notification).meta({ id: 'NotificationPage' }),
      headers: { Link: 'The next page, as rel="next"' },
    },
  },
  problems: { 400: ['INVALID_CURSOR'] },
});

export const markReadRoute = defineRoute({
  method: 'post',
  path: '/api/v1/realtime/notifications/read',
  operationId: 'markNotificationsRead',
  summary: 'Mark notifications as read',
  tags,
  auth: 'user',
  body: z.strictObject({ ids: z.array(uuid).min(1).max(100) }),
  bodyLimit: '16kb',
  responses: { 204: { description: 'They are read' } },
});

export const presenceRoute = defineRoute({
  method: 'get',
  path: '/api/v1/realtime/presence/:userId',
  operationId: 'getPresence',
  summary: 'See whether a person is online',
  tags,
  auth: 'user',
  params: z.strictObject({ userId: uuid }),
  responses: {
    200: {
      description: 'Their presence',
      schema: z.object({ userId: uuid, online: z.boolean() }).meta({ id: 'Presence' }),
    },
  },
});

export const realtimeRoutes = [notificationsRoute, markReadRoute, presenceRoute] as const;

/** The WebSocket sub-protocol that clients ask for on `/ws`. */
export const webSocketProtocol = 'rostrum.v1';

/** What a client may send; a reply to a message carries the message's `id`. */
export const clientMessage = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ping'), id: z.string().max(64).optional() }),
]);

export type ClientMessage = z.output<typeof clientMessage>;

/** What the server sends. */
export const serverMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('welcome'), connectionId: uuid, heartbeatSeconds: z.int().positive() }),
  z.object({ type: z.literal('pong'), id: z.string().optional() }),
  z.object({
    type: z.literal('event'),
    channel: z.string(),
    id: z.string(),
    name: z.string(),
    data: z.unknown(),
    time: timestamp,
  }),
  z.object({ type: z.literal('error'), id: z.string().optional(), code: z.string(), message: z.string() }),
  z.object({ type: z.literal('draining'), reconnectInMs: z.int().nonnegative() }),
]);

export type ServerMessage = z.output<typeof serverMessage>;

/** Why the server closed a socket. Below 4500 a client may connect again at once; from 4500 on it must not. */
export const closeCodes = {
  goingAway: 1001,
  policyViolation: 1008,
  tooBig: 1009,
  restarting: 1012,
  /** Binary, no JSON or without a type. A message of a type that is not known only gets an `error`. */
  invalidMessage: 4400,
  rateLimited: 4429,
  tokenExpired: 4501,
  sessionRevoked: 4502,
} as const;
