import { z } from 'zod';
import { authTags as tags, knownPassword, takesNoKey } from './auth-fields.contract';
import {
  factorProofs,
  ownerProof,
  recoveryCodes,
  secondFactorProblems,
  secondFactors,
  totpCode,
} from './auth-mfa-fields.contract';
import { setsCookies, signedIn } from './auth-sessions.contract';
import { timestamp } from './common';
import { defineRoute } from './define-route';

const bodyLimit = '16kb';

const mfaProblems = {
  401: ['MFA_TOKEN_INVALID', 'SECOND_FACTOR_WRONG'],
  429: ['TOO_MANY_ATTEMPTS'],
} as const;

export const loginMfaRoute = defineRoute({
  method: 'post',
  path: '/api/v1/auth/login/mfa',
  operationId: 'loginMfa',
  summary: 'Answer the question for a second factor',
  description:
    'The answer is the one that the sign-in would have had: tokens, or cookies where it was begun in that mode. The ' +
    '`mfaToken` is good for five minutes and one session. ' +
    takesNoKey,
  tags,
  auth: 'none',
  rateLimit: 'auth',
  body: z.union(factorProofs.map((proof) => proof.extend({ mfaToken: z.string().min(1).max(256) }))),
  bodyLimit,
  responses: {
    200: {
      description: 'Tokens or cookies',
      schema: signedIn,
      headers: setsCookies,
    },
  },
  problems: { ...mfaProblems, 403: ['ACCOUNT_SUSPENDED'] },
});

export const mfaStatusRoute = defineRoute({
  method: 'get',
  path: '/api/v1/auth/mfa',
  operationId: 'getMfa',
  summary: 'Your second factors',
  tags,
  auth: 'user',
  responses: {
    200: {
      description: 'What a sign-in with your password asks for besides it',
      schema: secondFactors,
    },
  },
});

export const enrolTotpRoute = defineRoute({
  method: 'post',
  path: '/api/v1/auth/mfa/totp',
  operationId: 'enrolTotp',
  summary: 'Get a secret for an authenticator app',
  description: 'It counts once a first code of it has been shown. ' + takesNoKey,
  tags,
  auth: 'user',
  rateLimit: 'auth',
  body: z.strictObject({ password: knownPassword }),
  bodyLimit,
  responses: {
    201: {
      description: 'The secret, and the same as an address for a QR code',
      schema: z.object({ secret: z.string(), uri: z.string() }),
    },
  },
  problems: { ...secondFactorProblems, 409: ['TOTP_ENROLLED'] },
});

export const confirmTotpRoute = defineRoute({
  method: 'post',
  path: '/api/v1/auth/mfa/totp/confirm',
  operationId: 'confirmTotp',
  summary: 'Show that the app has the secret',
  description: takesNoKey,
  tags,
  auth: 'user',
  rateLimit: 'auth',
  body: z.strictObject({ code: totpCode }),
  bodyLimit,
  responses: {
    200: {
      description: 'From now on a sign-in asks for a code; recovery codes where there were none',
      schema: z.object({ recoveryCodes: recoveryCodes.optional() }),
    },
  },
  problems: { 401: ['SECOND_FACTOR_WRONG'], 409: ['TOTP_NOT_ENROLLED'], 429: ['TOO_MANY_ATTEMPTS'] },
});

export const disableTotpRoute = defineRoute({
  method: 'post',
  path: '/api/v1/auth/mfa/totp/disable',
  operationId: 'disableTotp',
  summary: 'Do without the authenticator app',
  description:
    'With a code, or with the password after a step-up. Without any factor recovery codes are void.',
  tags,
  auth: 'user',
  rateLimit: 'auth',
  body: ownerProof,
  bodyLimit,
  responses: { 204: { description: 'A sign-in asks for no code of the app any more' } },
  problems: { ...secondFactorProblems, 409: ['TOTP_NOT_ENROLLED'] },
});

export const renewRecoveryCodesRoute = defineRoute({
  method: 'post',
  path: '/api/v1/auth/mfa/recovery-codes',
  operationId: 'renewRecoveryCodes',
  summary: 'Get new recovery codes',
  description: 'With a code, or with the password after a step-up. All earlier ones are void. ' + takesNoKey,
  tags,
  auth: 'user',
  rateLimit: 'auth',
  body: ownerProof,
  bodyLimit,
  responses: { 200: { description: 'The new ones', schema: z.object({ recoveryCodes }) } },
  problems: { ...secondFactorProblems, 409: ['NO_SECOND_FACTOR'] },
});

export const stepUpRoute = defineRoute({
  method: 'post',
  path: '/api/v1/auth/step-up',
  operationId: 'stepUp',
  summary: 'Show a second factor again, for what is sensitive',
  description: 'This session may then do for ten minutes what is answered with STEP_UP_REQUIRED otherwise.',
  tags,
  auth: 'user',
  rateLimit: 'auth',
  body: z.union(factorProofs),
  bodyLimit,
  responses: {
    200: { description: 'It may until then', schema: z.object({ until: timestamp }) },
  },
  problems: { 401: ['SECOND_FACTOR_WRONG'], 429: ['TOO_MANY_ATTEMPTS'] },
});

export const authMfaRoutes = [
  loginMfaRoute,
  mfaStatusRoute,
  enrolTotpRoute,
  confirmTotpRoute,
  disableTotpRoute,
  renewRecoveryCodesRoute,
  stepUpRoute,
] as const;
