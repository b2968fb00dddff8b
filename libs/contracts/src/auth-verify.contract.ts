import { authTags as tags } from './auth-fields.contract';
import { defineRoute } from './define-route';

/** What a gateway asks before it passes a request on: no body, no database. */
export const verifyRoute = defineRoute({
  method: 'get',
  path: '/api/v1/auth/verify',
  operationId: 'verify',
  summary: 'Check the access token of a request, for a gateway that asks before it passes the request on',
  tags,
  auth: 'user',
  rateLimit: 'none',
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
});
