import { z } from 'zod';
import { timestamp } from './common';
import { defineRoute } from './define-route';

const tags = ['realtime'] as const;

export const webSocketRoute = defineRoute({
  method: 'get',
  path: '/ws',
  operationId: 'openWebSocket',
  summary: 'Open a WebSocket',
  description:
    'A handshake with the sub-protocol `rostrum.v1`, signed in by an `Authorization` header, the sub-protocol `bearer.<token>`, a ticket in the query, or, from a page of an allowed origin, the cookie. A page is told of a refusal by a close code.',
  tags,
  auth: 'none',
  responses: { 101: { description: 'The socket is open' } },
  problems: {
    400: ['SUB_PROTOCOL_REQUIRED', 'MALFORMED_HANDSHAKE'],
    401: ['UNAUTHORIZED'],
    403: ['ORIGIN_NOT_ALLOWED'],
    426: ['UPGRADE_REQUIRED'],
    429: ['TOO_MANY_HANDSHAKES', 'TOO_MANY_CONNECTIONS'],
    503: ['REDIS_UNAVAILABLE', 'DRAINING', 'FULL'],
  },
});

export const realtimeTicketRoute = defineRoute({
  method: 'post',
  path: '/api/v1/realtime/tickets',
  operationId: 'createRealtimeTicket',
  summary: 'Get a ticket to open one WebSocket with',
  description:
    'For clients that can set neither headers nor sub-protocols: `GET /ws?ticket=…` within the time given. A ticket opens one socket, and only while the session that asked for it lasts. Pages that are signed in by a cookie send one in `token.refresh`.',
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

export const realtimeSocketRoutes = [webSocketRoute, realtimeTicketRoute] as const;
