import { z } from 'zod';
import { account, authTags as tags, knownPassword, takesNoKey, typed } from './auth-fields.contract';
import { timestamp, uuid } from './common';
import { defineRoute } from './define-route';

export const setsCookies = { 'Set-Cookie': 'In cookie mode: the tokens, the CSRF token and the device' };

const tokens = {
  accessToken: z.string(),
  refreshToken: z.string(),
  tokenType: z.literal('Bearer'),
  expiresIn: z.int().positive(),
};

const cookies = { csrfToken: z.string(), expiresIn: z.int().positive() };

export const deviceToken = z.string().max(512);

/** Another factor is asked for before there are tokens; `mfaToken` proves that the password was right. */
export const mfaChallenge = z
  .object({ mfaRequired: z.literal(true), mfaToken: z.string(), methods: z.array(z.string()).min(1) })
  .meta({ id: 'MfaChallenge' });

/** What ends every way to sign in: tokens for apps, cookies for browsers. */
export const signedIn = z
  .union([
    z.object({ ...tokens, user: account, deviceToken }),
    z.object({ ...cookies, user: account }),
    mfaChallenge,
  ])
  .meta({ id: 'SignedIn' });

export const modeQuery = z.strictObject({
  mode: z
    .enum(['bearer', 'cookie'])
    .default('bearer')
    .meta({ description: 'cookie: the tokens come in httpOnly cookies, for browsers' }),
});

export const loginRoute = defineRoute({
  method: 'post',
  path: '/api/v1/auth/login',
  operationId: 'login',
  summary: 'Sign in with a password',
  description:
    'Signing in restores an account whose deletion was asked for less than 30 days ago. Send `deviceToken` from an ' +
    'earlier sign-in on this device along: it lets its owner in while others are guessing passwords. ' +
    takesNoKey,
  tags,
  auth: 'none',
  rateLimit: 'auth',
  query: modeQuery,
  body: z.strictObject({
    identifier: typed.min(1).max(254).toLowerCase(),
    password: knownPassword,
    deviceToken: deviceToken.optional(),
  }),
  bodyLimit: '4kb',
  responses: {
    200: {
      description: 'Tokens, or the question for a second factor',
      schema: signedIn,
      headers: setsCookies,
    },
  },
  problems: {
    401: ['INVALID_CREDENTIALS'],
    403: ['ACCOUNT_SUSPENDED'],
    429: ['TOO_MANY_ATTEMPTS'],
    503: ['PASSWORD_HASHING_UNAVAILABLE'],
  },
});

export const refreshRoute = defineRoute({
  method: 'post',
  path: '/api/v1/auth/refresh',
  operationId: 'refresh',
  summary: 'Exchange a refresh token for new tokens',
  description:
    'Each refresh token is for one use; requests at the same time get the same successor. A token that is used again ' +
    'later ends the session. Browsers send no body: the token is in a cookie. ' +
    takesNoKey,
  tags,
  auth: 'none',
  body: z.strictObject({ refreshToken: z.string().min(1).max(256) }).optional(),
  bodyLimit: '2kb',
  responses: {
    200: {
      description: 'New tokens',
      schema: z.union([z.object(tokens), z.object(cookies)]),
      headers: setsCookies,
    },
  },
  problems: {
    401: ['INVALID_REFRESH_TOKEN'],
    403: ['CROSS_SITE_REQUEST', 'CSRF_TOKEN_INVALID'],
    429: ['TOO_MANY_REFRESHES'],
  },
});

export const logoutRoute = defineRoute({
  method: 'post',
  path: '/api/v1/auth/logout',
  operationId: 'logout',
  summary: 'End this session',
  tags,
  auth: 'user',
  responses: { 204: { description: 'The session has ended; browsers forget its cookies' } },
});

export const session = z
  .object({
    id: uuid,
    current: z.boolean(),
    createdAt: timestamp,
    usedAt: timestamp,
    expiresAt: timestamp,
    mode: z.enum(['bearer', 'cookie']),
    client: z.string().nullable().meta({ description: 'What it was begun with, such as `Firefox on Linux`' }),
    address: z.string().nullable().meta({ description: 'The address that it was begun from' }),
  })
  .meta({ id: 'Session' });

export type Session = z.output<typeof session>;

export const listSessionsRoute = defineRoute({
  method: 'get',
  path: '/api/v1/auth/sessions',
  operationId: 'listSessions',
  summary: 'Where you are signed in',
  tags,
  auth: 'user',
  responses: {
    200: { description: 'The sessions, the newest first', schema: z.object({ items: z.array(session) }) },
  },
});

export const endSessionRoute = defineRoute({
  method: 'delete',
  path: '/api/v1/auth/sessions/:id',
  operationId: 'endSession',
  summary: 'End one of your sessions',
  tags,
  auth: 'user',
  params: z.strictObject({ id: uuid }),
  idempotent: true,
  responses: { 204: { description: 'It has ended: its tokens are refused within five seconds' } },
  problems: { 404: ['NOT_FOUND'] },
});

export const endSessionsRoute = defineRoute({
  method: 'delete',
  path: '/api/v1/auth/sessions',
  operationId: 'endSessions',
  summary: 'End all of your sessions, or all others',
  tags,
  auth: 'user',
  query: z.strictObject({ except: z.literal('current').optional() }),
  idempotent: true,
  responses: {
    200: { description: 'They have ended', schema: z.object({ ended: z.int().min(0) }) },
  },
});

export const authSessionRoutes = [
  loginRoute,
  refreshRoute,
  logoutRoute,
  listSessionsRoute,
  endSessionRoute,
  endSessionsRoute,
] as const;
