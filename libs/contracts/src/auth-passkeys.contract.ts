import { z } from 'zod';
import { authTags as tags, takesNoKey, typed } from './auth-fields.contract';
import { ownerProof, recoveryCodes, secondFactorProblems } from './auth-mfa-fields.contract';
import { deviceToken, modeQuery, setsCookies, signedIn } from './auth-sessions.contract';
import { base64url, passkeyAssertion } from './auth-passkey-fields.contract';
import { timestamp, uuid } from './common';
import { defineRoute } from './define-route';

const bodyLimit = '16kb';
const bytes = base64url(8192);

/** What a page gives its browser; its shape is the standard's. */
const browserOptions = z
  .record(z.string(), z.unknown())
  .meta({ description: 'For `navigator.credentials`, in the JSON form of WebAuthn Level 3' });

const begun = {
  200: { description: 'Good for five minutes and one use', schema: z.object({ options: browserOptions }) },
} as const;

const passkeyName = typed.trim().min(1).max(64);

/** What a browser answers when it has made a passkey. */
const passkeyAttestation = z.object({
  id: bytes.min(1),
  rawId: bytes.min(1),
  type: z.literal('public-key'),
  response: z.object({
    clientDataJSON: bytes,
    attestationObject: bytes,
    transports: z.array(z.string().max(32)).max(8).optional(),
  }),
  clientExtensionResults: z.record(z.string(), z.unknown()).default({}),
  authenticatorAttachment: z.enum(['platform', 'cross-platform']).optional(),
});

export const passkey = z
  .object({
    id: uuid,
    name: z.string(),
    createdAt: timestamp,
    usedAt: timestamp.nullable(),
    backedUp: z.boolean().meta({ description: 'Whether it is on more devices than one' }),
  })
  .meta({ id: 'Passkey' });

export type Passkey = z.output<typeof passkey>;

export const passkeyOptionsRoute = defineRoute({
  method: 'post',
  path: '/api/v1/auth/passkeys/options',
  operationId: 'beginPasskey',
  summary: 'Begin to make a passkey',
  description: 'With the password, or a code of another factor.',
  tags,
  auth: 'user',
  rateLimit: 'auth',
  body: ownerProof,
  bodyLimit,
  responses: {
    200: {
      description: 'Good for five minutes and one passkey',
      schema: z.object({ options: browserOptions }),
    },
  },
  problems: { ...secondFactorProblems, 409: ['TOO_MANY_PASSKEYS'] },
});

export const createPasskeyRoute = defineRoute({
  method: 'post',
  path: '/api/v1/auth/passkeys',
  operationId: 'createPasskey',
  summary: 'Keep a passkey that the browser has made',
  description: takesNoKey,
  tags,
  auth: 'user',
  rateLimit: 'auth',
  body: z.strictObject({ name: passkeyName, credential: passkeyAttestation }),
  bodyLimit,
  responses: {
    201: {
      description: 'It is kept; recovery codes where there were none',
      schema: z.object({ passkey, recoveryCodes: recoveryCodes.optional() }),
    },
  },
  problems: { 400: ['PASSKEY_REFUSED'], 409: ['PASSKEY_KNOWN', 'TOO_MANY_PASSKEYS'] },
});

export const listPasskeysRoute = defineRoute({
  method: 'get',
  path: '/api/v1/auth/passkeys',
  operationId: 'listPasskeys',
  summary: 'Your passkeys',
  tags,
  auth: 'user',
  responses: { 200: { description: 'The oldest first', schema: z.object({ items: z.array(passkey) }) } },
});

const byId = z.strictObject({ id: uuid });

export const renamePasskeyRoute = defineRoute({
  method: 'patch',
  path: '/api/v1/auth/passkeys/:id',
  operationId: 'renamePasskey',
  summary: 'Call one of your passkeys something else',
  tags,
  auth: 'user',
  params: byId,
  body: z.strictObject({ name: passkeyName }),
  bodyLimit,
  responses: { 200: { description: 'As it is now', schema: passkey } },
  problems: { 404: ['NOT_FOUND'] },
});

export const deletePasskeyRoute = defineRoute({
  method: 'delete',
  path: '/api/v1/auth/passkeys/:id',
  operationId: 'deletePasskey',
  summary: 'Do without one of your passkeys',
  description: 'After a step-up. Without any factor recovery codes are void.',
  tags,
  auth: 'user',
  params: byId,
  responses: { 204: { description: 'Nobody signs in with it any more' } },
  problems: { 403: ['STEP_UP_REQUIRED'], 404: ['NOT_FOUND'] },
});

export const passkeySignInOptionsRoute = defineRoute({
  method: 'post',
  path: '/api/v1/auth/login/passkey/options',
  operationId: 'beginPasskeyLogin',
  summary: 'Begin to sign in with a passkey alone',
  description: 'Nobody says who they are: the passkey does. The answer is the same for everybody.',
  tags,
  auth: 'none',
  rateLimit: 'auth',
  responses: begun,
});

export const passkeySignInRoute = defineRoute({
  method: 'post',
  path: '/api/v1/auth/login/passkey',
  operationId: 'loginPasskey',
  summary: 'Sign in with a passkey alone',
  description: takesNoKey,
  tags,
  auth: 'none',
  rateLimit: 'auth',
  query: modeQuery,
  body: z.strictObject({ credential: passkeyAssertion, deviceToken: deviceToken.optional() }),
  bodyLimit,
  responses: {
    200: {
      description: 'Tokens or cookies',
      schema: signedIn,
      headers: setsCookies,
    },
  },
  problems: { 401: ['PASSKEY_INVALID'], 403: ['ACCOUNT_SUSPENDED'] },
});

export const passkeyMfaOptionsRoute = defineRoute({
  method: 'post',
  path: '/api/v1/auth/login/mfa/passkey-options',
  operationId: 'beginPasskeyMfa',
  summary: 'Begin to answer the question for a second factor with a passkey',
  tags,
  auth: 'none',
  rateLimit: 'auth',
  body: z.strictObject({ mfaToken: z.string().min(1).max(256) }),
  bodyLimit,
  responses: begun,
  problems: { 401: ['MFA_TOKEN_INVALID'] },
});

export const passkeyStepUpOptionsRoute = defineRoute({
  method: 'post',
  path: '/api/v1/auth/step-up/passkey-options',
  operationId: 'beginPasskeyStepUp',
  summary: 'Begin a step-up, or another proof of your own, with a passkey',
  tags,
  auth: 'user',
  rateLimit: 'auth',
  responses: begun,
});

export const authPasskeyRoutes = [
  passkeyOptionsRoute,
  createPasskeyRoute,
  listPasskeysRoute,
  renamePasskeyRoute,
  deletePasskeyRoute,
  passkeySignInOptionsRoute,
  passkeySignInRoute,
  passkeyMfaOptionsRoute,
  passkeyStepUpOptionsRoute,
] as const;
