import { z } from 'zod';
import { pageOf, pageQuery, timestamp, username, uuid } from './common';
import { defineRoute } from './define-route';

export * from './realtime-protocol.contract';

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

export const realtimeTicketRoute = defineRoute({
  method: 'post',
  path: '/api/v1/realtime/tickets',
  operationId: 'createRealtimeTicket',
  summary: 'Get a ticket to open one WebSocket with',
  description:
    'For clients that can set neither headers nor sub-protocols nor cookies: `GET /ws?ticket=…` within the time given. A ticket opens one socket, and only while the session that asked for it lasts.',
  tags,
  auth: 'user',
  responses: {
    201: {
      description: 'The ticket',
      schema: z.object({ ticket: z.string(), expiresAt: timestamp }).meta({ id: 'RealtimeTicket' }),
    },
  },
  problems: { 503: ['REDIS_UNAVAILABLE'] },
});

export const realtimeRoutes = [notificationsRoute, markReadRoute, presenceRoute] as const;
