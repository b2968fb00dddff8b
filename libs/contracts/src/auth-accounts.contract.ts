import { z } from 'zod';
import {
  account,
  authTags as tags,
  emailAddress,
  knownPassword,
  mailedToken,
  newPassword,
  newPasswordProblems,
  passwordProblems,
} from './auth-fields.contract';
import { secondFactors } from './auth-mfa-fields.contract';
import { identity } from './auth-oidc.contract';
import { passkey } from './auth-passkeys.contract';
import { session } from './auth-sessions.contract';
import { timestamp, username } from './common';
import { defineRoute } from './define-route';

const bodyLimit = '4kb';

export const registerRoute = defineRoute({
  method: 'post',
  path: '/api/v1/auth/register',
  operationId: 'register',
  summary: 'Create an account',
  description:
    'Usernames are public, so one that is taken is refused. Whether an address has an account already is told to its ' +
    'owner alone, by mail.',
  tags,
  auth: 'none',
  rateLimit: 'auth',
  body: z.strictObject({ email: emailAddress, username, password: newPassword }),
  bodyLimit,
  idempotent: true,
  responses: { 201: { description: 'The account', schema: z.object({ user: account }) } },
  problems: { 409: ['USERNAME_TAKEN'], ...newPasswordProblems },
});

const entityTags = { ETag: 'The version of what was read' };

export const meRoute = defineRoute({
  method: 'get',
  path: '/api/v1/auth/me',
  operationId: 'getMe',
  summary: 'Read your own account',
  tags,
  auth: 'user',
  responses: {
    200: { description: 'The account', schema: account, headers: entityTags },
    304: { description: 'It is as the client has it', headers: entityTags },
  },
});

export const changeMeRoute = defineRoute({
  method: 'patch',
  path: '/api/v1/auth/me',
  operationId: 'changeMe',
  summary: 'Change the address of your account',
  description:
    'The new address counts once the link in the mail to it has been followed; the old one is told. A username stays ' +
    'as it is: others name people by it.',
  tags,
  auth: 'user',
  body: z.strictObject({ email: emailAddress, password: knownPassword }),
  bodyLimit,
  idempotent: true,
  responses: {
    202: { description: 'The account as it is until then', schema: account, headers: entityTags },
  },
  problems: { 412: ['PRECONDITION_FAILED'], ...passwordProblems },
});

export const deleteMeRoute = defineRoute({
  method: 'delete',
  path: '/api/v1/auth/me',
  operationId: 'deleteMe',
  summary: 'Delete your account',
  description:
    'All sessions end at once. Signing in within 30 days restores the account; after that nothing of it can be read ' +
    'any more.',
  tags,
  auth: 'user',
  rateLimit: 'auth',
  body: z.strictObject({ password: knownPassword }),
  bodyLimit,
  responses: {
    202: { description: 'When it will be gone', schema: z.object({ deletedAfter: timestamp }) },
  },
  problems: { ...passwordProblems, 409: ['LAST_ADMIN'] },
});

export const accountExport = z
  .object({
    exportedAt: timestamp,
    account: account.extend({
      emailVerifiedAt: timestamp.nullable(),
      pendingEmail: z.string().nullable(),
      passwordChangedAt: timestamp.nullable(),
    }),
    sessions: z.array(session),
    secondFactors,
    passkeys: z.array(passkey),
    identities: z.array(identity),
    activity: z.array(
      z.object({
        at: timestamp,
        action: z.string(),
        result: z.string(),
        address: z.string().nullable(),
        userAgent: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'AccountExport' });

export type AccountExport = z.output<typeof accountExport>;

export const exportMeRoute = defineRoute({
  method: 'get',
  path: '/api/v1/auth/me/export',
  operationId: 'exportMe',
  summary: 'Everything that this service keeps of you',
  tags,
  auth: 'user',
  responses: {
    200: {
      description: 'A document to keep',
      schema: accountExport,
      headers: { 'Content-Disposition': 'A name for the file' },
    },
  },
});

export const verifyEmailRoute = defineRoute({
  method: 'post',
  path: '/api/v1/auth/email/verify',
  operationId: 'verifyEmail',
  summary: 'Show that an address is yours, with the token of a mail',
  tags,
  auth: 'none',
  rateLimit: 'auth',
  body: z.strictObject({ token: mailedToken }),
  bodyLimit,
  responses: { 204: { description: 'It is' } },
  problems: { 400: ['INVALID_TOKEN'], 409: ['EMAIL_TAKEN'] },
});

export const resendVerificationRoute = defineRoute({
  method: 'post',
  path: '/api/v1/auth/email/verify/resend',
  operationId: 'resendVerification',
  summary: 'Have the mail with the token sent again',
  tags,
  auth: 'user',
  rateLimit: 'auth',
  idempotent: true,
  responses: { 202: { description: 'If there is an address to verify, a mail is on its way' } },
});

export const authAccountRoutes = [
  registerRoute,
  meRoute,
  changeMeRoute,
  deleteMeRoute,
  exportMeRoute,
  verifyEmailRoute,
  resendVerificationRoute,
] as const;
