import { z } from 'zod';
import {
  authTags as tags,
  emailAddress,
  knownPassword,
  mailedToken,
  newPassword,
  newPasswordProblems,
  passwordProblems,
} from './auth-fields.contract';
import { defineRoute } from './define-route';

const bodyLimit = '4kb';

export const changePasswordRoute = defineRoute({
  method: 'post',
  path: '/api/v1/auth/password/change',
  operationId: 'changePassword',
  summary: 'Change your password',
  description: 'Ends all other sessions.',
  tags,
  auth: 'user',
  rateLimit: 'auth',
  body: z.strictObject({ currentPassword: knownPassword, newPassword }),
  bodyLimit,
  responses: { 204: { description: 'It has been changed' } },
  problems: { ...passwordProblems, ...newPasswordProblems },
});

export const forgotPasswordRoute = defineRoute({
  method: 'post',
  path: '/api/v1/auth/password/forgot',
  operationId: 'forgotPassword',
  summary: 'Ask for a mail to choose a new password with',
  description: 'The answer is the same whether or not there is such an account.',
  tags,
  auth: 'none',
  rateLimit: 'auth',
  body: z.strictObject({ email: emailAddress }),
  bodyLimit,
  responses: { 202: { description: 'If there is an account with this address, a mail is on its way' } },
});

export const resetPasswordRoute = defineRoute({
  method: 'post',
  path: '/api/v1/auth/password/reset',
  operationId: 'resetPassword',
  summary: 'Choose a new password with the token of a mail',
  description: 'Ends all sessions. The token is for one use.',
  tags,
  auth: 'none',
  rateLimit: 'auth',
  body: z.strictObject({ token: mailedToken, password: newPassword }),
  bodyLimit,
  responses: { 204: { description: 'It has been changed' } },
  problems: { 400: ['INVALID_TOKEN'], ...newPasswordProblems },
});

export const authPasswordRoutes = [changePasswordRoute, forgotPasswordRoute, resetPasswordRoute] as const;
