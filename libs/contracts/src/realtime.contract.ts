import { z } from 'zod';
import { timestamp } from './common';
import { defineRoute } from './define-route';
import { realtimeNotificationRoutes } from './realtime-notifications.contract';

export * from './realtime-protocol.contract';
export * from './realtime-notifications.contract';

const tags = ['realtime'] as const;

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

export const realtimeRoutes = [...realtimeNotificationRoutes] as const;
