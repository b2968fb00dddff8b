import { z } from 'zod';
import { authTags as tags } from './auth-fields.contract';
import { defineRoute } from './define-route';

/** All tokens of a session, those that a user was given up to `at`, or all that a key has signed. */
export const revocation = z.object({
  kind: z.enum(['session', 'subject', 'key']),
  id: z.string(),
  at: z.int(),
  until: z.int(),
});

/**
 * What auth writes into a Redis stream at each revocation and twice a second: all of the last few seconds, so that who
 * reads at least that often misses nothing. `keys` is another text whenever other keys are published.
 */
export const revocationNews = z.object({ keys: z.string(), revocations: z.array(revocation) });

export type RevocationNews = z.output<typeof revocationNews>;

export const revocationStream = 'auth:revocations';

/** How far back each entry of the stream goes. */
export const revocationNewsSeconds = 10;

/** For services only: the gateway passes nothing on that is not under /api/v1/auth/. */
export const revocationsRoute = defineRoute({
  method: 'get',
  path: '/internal/revocations',
  operationId: 'listRevocations',
  summary: 'What is refused though it has not expired',
  tags,
  auth: 'none',
  rateLimit: 'none',
  query: z.strictObject({ since: z.string().max(100).optional() }),
  responses: {
    200: {
      description: 'All of it, or what was learned since the `cursor` of an earlier answer',
      schema: revocationNews.extend({ cursor: z.string() }),
    },
  },
});

export const revocationsPath = revocationsRoute.path;
