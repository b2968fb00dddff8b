import { z } from 'zod';
import { authTags as tags, takesNoKey } from './auth-fields.contract';
import { ownerProof, secondFactorProblems } from './auth-mfa-fields.contract';
import { modeQuery, setsCookies, signedIn } from './auth-sessions.contract';
import { timestamp, username } from './common';
import { defineRoute } from './define-route';

const bodyLimit = '16kb';
const provider = z.string().regex(/^[a-z0-9-]{1,32}$/, 'must be the name of a provider');
const byProvider = z.strictObject({ provider });

const begun = z.object({
  authorizationUrl: z.url(),
  flowToken: z.string().meta({ description: 'Kept by the client that began, and sent along when it ends' }),
});

/** The query that the provider has sent the browser back with, and what only who began can have. */
const ending = z.strictObject({
  flowToken: z.string().min(1).max(256),
  query: z.string().max(4096),
});

const started = {
  200: { description: 'Where to send the browser; good for ten minutes and one use', schema: begun },
} as const;

export const beginOidcLoginRoute = defineRoute({
  method: 'post',
  path: '/api/v1/auth/oidc/:provider/login',
  operationId: 'beginOidcLogin',
  summary: 'Begin to sign in at an identity provider',
  tags,
  auth: 'none',
  rateLimit: 'auth',
  params: byProvider,
  query: modeQuery,
  responses: started,
  problems: { 404: ['NOT_FOUND'], 503: ['IDENTITY_PROVIDER_UNAVAILABLE'] },
});

export const oidcLoginRoute = defineRoute({
  method: 'post',
  path: '/api/v1/auth/oidc/login',
  operationId: 'loginOidc',
  summary: 'Sign in with what the identity provider has answered',
  description:
    'An identity that is linked to no account opens none, whatever its address: sign in first, then link it. The ' +
    'answer is the same whether or not there is an account with that address. ' +
    takesNoKey,
  tags,
  auth: 'none',
  rateLimit: 'auth',
  body: ending,
  bodyLimit,
  responses: {
    200: {
      description: 'Tokens or cookies, or the question for a second factor',
      schema: signedIn,
      headers: setsCookies,
    },
  },
  problems: {
    401: ['OIDC_REFUSED'],
    403: ['ACCOUNT_SUSPENDED'],
    409: ['IDENTITY_NOT_LINKED'],
    503: ['IDENTITY_PROVIDER_UNAVAILABLE'],
  },
});

export const beginOidcSignUpRoute = defineRoute({
  method: 'post',
  path: '/api/v1/auth/oidc/:provider/register',
  operationId: 'beginOidcSignUp',
  summary: 'Begin to make an account with an identity of a provider',
  tags,
  auth: 'none',
  rateLimit: 'auth',
  params: byProvider,
  query: modeQuery,
  responses: started,
  problems: { 404: ['NOT_FOUND'], 503: ['IDENTITY_PROVIDER_UNAVAILABLE'] },
});

export const oidcSignUpRoute = defineRoute({
  method: 'post',
  path: '/api/v1/auth/oidc/register',
  operationId: 'signUpOidc',
  summary: 'Make an account with what the identity provider has answered, and sign in to it',
  description:
    'The address is the one that the provider has verified. The account has no password that anybody knows: who wants ' +
    'one asks for a mail to choose it. ' +
    takesNoKey,
  tags,
  auth: 'none',
  rateLimit: 'auth',
  body: ending.extend({ username }),
  bodyLimit,
  responses: {
    201: {
      description: 'Tokens or cookies',
      schema: signedIn,
      headers: setsCookies,
    },
  },
  problems: {
    401: ['OIDC_REFUSED'],
    403: ['OIDC_EMAIL_UNVERIFIED'],
    409: ['USERNAME_TAKEN', 'EMAIL_TAKEN', 'IDENTITY_TAKEN'],
    503: ['IDENTITY_PROVIDER_UNAVAILABLE', 'PASSWORD_HASHING_UNAVAILABLE'],
  },
});

export const beginOidcLinkRoute = defineRoute({
  method: 'post',
  path: '/api/v1/auth/oidc/:provider/link',
  operationId: 'beginOidcLink',
  summary: 'Begin to link an identity of a provider to your account',
  tags,
  auth: 'user',
  rateLimit: 'auth',
  params: byProvider,
  body: ownerProof,
  bodyLimit,
  responses: started,
  problems: {
    ...secondFactorProblems,
    404: ['NOT_FOUND'],
    503: [...secondFactorProblems[503], 'IDENTITY_PROVIDER_UNAVAILABLE'],
  },
});

export const oidcLinkRoute = defineRoute({
  method: 'post',
  path: '/api/v1/auth/oidc/link',
  operationId: 'linkOidc',
  summary: 'Link the identity that the provider has answered with',
  tags,
  auth: 'user',
  rateLimit: 'auth',
  body: ending,
  bodyLimit,
  responses: { 204: { description: 'It signs you in from now on' } },
  problems: {
    401: ['OIDC_REFUSED'],
    403: ['OIDC_EMAIL_UNVERIFIED'],
    409: ['IDENTITY_TAKEN'],
    503: ['IDENTITY_PROVIDER_UNAVAILABLE'],
  },
});

export const identity = z.object({ provider: z.string(), linkedAt: timestamp });

export const listIdentitiesRoute = defineRoute({
  method: 'get',
  path: '/api/v1/auth/identities',
  operationId: 'listIdentities',
  summary: 'The identity providers that you can sign in with',
  tags,
  auth: 'user',
  responses: {
    200: {
      description: 'Those that are linked',
      schema: z.object({ items: z.array(identity) }),
    },
  },
});

export const unlinkIdentityRoute = defineRoute({
  method: 'delete',
  path: '/api/v1/auth/identities/:provider',
  operationId: 'unlinkIdentity',
  summary: 'Do without an identity provider',
  tags,
  auth: 'user',
  params: byProvider,
  responses: { 204: { description: 'Nobody signs in to your account with it any more' } },
  problems: { 403: ['STEP_UP_REQUIRED'], 404: ['NOT_FOUND'] },
});

export const authOidcRoutes = [
  beginOidcLoginRoute,
  oidcLoginRoute,
  beginOidcSignUpRoute,
  oidcSignUpRoute,
  beginOidcLinkRoute,
  oidcLinkRoute,
  listIdentitiesRoute,
  unlinkIdentityRoute,
] as const;
