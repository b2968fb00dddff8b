import { z } from 'zod';
import { typed } from './auth-fields.contract';
import { timestamp } from './common';
import { defineRoute } from './define-route';

const tags = ['auth admin'] as const;
const keys = '/api/v1/auth/admin/keys';

export const signingKey = z
  .object({
    kid: z.string(),
    state: z.enum(['waiting', 'scheduled', 'signing', 'verifying', 'retired', 'revoked']).meta({
      description:
        'waiting: published, the next one to sign; scheduled: its time is set; verifying: replaced, its tokens are ' +
        'still good; retired: nothing that it has signed can be valid; revoked: refused everywhere',
    }),
    createdAt: timestamp,
    signsFrom: timestamp.nullable(),
    revokedAt: timestamp.nullable(),
  })
  .meta({ id: 'SigningKey' });

export type SigningKeyBody = z.output<typeof signingKey>;

export const listKeysRoute = defineRoute({
  method: 'get',
  path: keys,
  operationId: 'adminListKeys',
  summary: 'List the keys that sign access tokens, oldest first',
  tags,
  auth: 'user',
  permission: 'keys.read',
  responses: { 200: { description: 'The keys', schema: z.object({ keys: z.array(signingKey) }) } },
});

export const rotateKeysRoute = defineRoute({
  method: 'post',
  path: `${keys}/rotate`,
  operationId: 'adminRotateKeys',
  summary: 'Let the waiting key sign from now on, or as soon as it has been published for long enough',
  tags,
  auth: 'user',
  permission: 'keys.change',
  idempotent: true,
  responses: {
    200: {
      description: 'The key that signs next, and from when on',
      schema: z.object({ kid: z.string(), signsFrom: timestamp }),
    },
  },
  problems: { 403: ['STEP_UP_REQUIRED'], 409: ['ROTATION_UNDER_WAY'] },
});

export const revokeKeyRoute = defineRoute({
  method: 'post',
  path: `${keys}/:kid/revoke`,
  operationId: 'adminRevokeKey',
  summary: 'Emergency: refuse everything that a key has signed, everywhere within seconds',
  tags,
  auth: 'user',
  permission: 'keys.change',
  params: z.strictObject({ kid: z.string().min(1).max(100) }),
  body: z.strictObject({ reason: typed.min(1).max(500) }),
  bodyLimit: '4kb',
  idempotent: true,
  responses: { 204: { description: 'It is revoked' } },
  problems: { 403: ['STEP_UP_REQUIRED'], 404: ['NOT_FOUND'], 409: ['KEY_ALREADY_REVOKED'] },
});

export const authKeysRoutes = [listKeysRoute, rotateKeysRoute, revokeKeyRoute] as const;
