import { z } from 'zod';
import { authTags as tags } from './auth-fields.contract';
import { defineRoute } from './define-route';

/** What a gateway asks before it passes a request on: no body, no database. */
export const verifyRoute = defineRoute({
  method: 'get',
  path: '/api/v1/auth/verify',
  operationId: 'verify',
  summary: 'Check the access token of a request, for a gateway that asks before it passes the request on',
  description:
    'The gateway sends along the headers of the request that it asks about, and its method in X-Forwarded-Method: what ' +
    'changes something and is signed in by a cookie needs the CSRF token here too.',
  tags,
  auth: 'user',
  rateLimit: 'none',
  query: z.strictObject({
    permission: z.string().max(64).optional().meta({
      description: 'What the roles of the caller have to permit; a name that is unknown refuses everybody',
    }),
  }),
  responses: {
    204: {
      description: 'The token is good',
      headers: {
        'X-User-Id': 'Whose token it is',
        'X-Session-Id': 'The session that it belongs to',
        'X-User-Roles': 'Their roles, separated by commas',
      },
    },
  },
  problems: { 403: ['FORBIDDEN', 'CSRF_TOKEN_INVALID'] },
});
