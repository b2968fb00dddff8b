import { z } from 'zod';
import { timestamp, username, uuid } from './common';
import { defineEvent } from './define-event';
import { defineRoute } from './define-route';

const tags = ['auth'] as const;

/** Postgres cannot take a null character, and no keyboard types the other controls or half a character. */
const typed = z
  .string()
  .refine((text) => text.isWellFormed(), 'must be well-formed Unicode')
  .refine((text) => !/[\u0000-\u001f\u007f]/.test(text), 'must not have control characters');

const email = z.email().max(254).toLowerCase();
const password = typed.min(8).max(128);

export const account = z
  .object({ id: uuid, email: z.email(), username, createdAt: timestamp })
  .meta({ id: 'Account', description: 'What a person sees of their own account' });

export type Account = z.output<typeof account>;

export const registerRoute = defineRoute({
  method: 'post',
  path: '/api/v1/auth/register',
  operationId: 'register',
  summary: 'Create an account',
  tags,
  auth: 'none',
  rateLimit: 'auth',
  body: z.strictObject({ email, username, password }),
  bodyLimit: '4kb',
  responses: { 201: { description: 'The account', schema: z.object({ user: account }) } },
  problems: { 409: ['ACCOUNT_EXISTS'], 503: ['PASSWORD_HASHING_UNAVAILABLE'] },
});

export const loginRoute = defineRoute({
  method: 'post',
  path: '/api/v1/auth/login',
  operationId: 'login',
  summary: 'Exchange a password for an access token',
  tags,
  auth: 'none',
  rateLimit: 'auth',
  body: z.strictObject({
    identifier: typed.min(1).max(254).toLowerCase(),
    password: typed.min(1).max(128),
  }),
  bodyLimit: '4kb',
  responses: {
    200: {
      description: 'An access token',
      schema: z.object({
        accessToken: z.string(),
        tokenType: z.literal('Bearer'),
        expiresIn: z.int().positive(),
        user: account,
      }),
    },
  },
  problems: { 401: ['INVALID_CREDENTIALS'], 503: ['PASSWORD_HASHING_UNAVAILABLE'] },
});

export const meRoute = defineRoute({
  method: 'get',
  path: '/api/v1/auth/me',
  operationId: 'getMe',
  summary: 'Read your own account',
  tags,
  auth: 'user',
  responses: { 200: { description: 'The account', schema: account } },
});

export const jwksRoute = defineRoute({
  method: 'get',
  path: '/.well-known/jwks.json',
  operationId: 'getKeys',
  summary: 'The public keys that verify access tokens',
  tags,
  auth: 'none',
  rateLimit: 'none',
  responses: {
    200: {
      description: 'A JSON Web Key Set',
      schema: z.object({ keys: z.array(z.record(z.string(), z.unknown())) }),
    },
  },
});

export const authRoutes = [registerRoute, loginRoute, meRoute, jwksRoute] as const;

/** Carries no email: what other services do not need, they do not get. */
export const userRegistered = defineEvent(
  'user.registered',
  1,
  z.object({ userId: uuid, username, registeredAt: timestamp }),
);

export const authEvents = [userRegistered] as const;
