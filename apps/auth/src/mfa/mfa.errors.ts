import { AppError, problems } from '@rostrum/errors';

export const mfaErrors = {
  /** The same for a token that is not ours, was used, or is too old. */
  invalidToken: () =>
    new AppError({
      code: 'MFA_TOKEN_INVALID',
      status: 401,
      title: 'Invalid MFA token',
      detail: 'Sign in again',
      headers: { 'WWW-Authenticate': 'Bearer realm="rostrum"' },
    }),

  /** The same for a factor that is wrong, was used before, or that the account does not have. */
  wrong: () =>
    new AppError({
      code: 'SECOND_FACTOR_WRONG',
      status: 401,
      title: 'Wrong second factor',
      detail: 'This is not one of the second factors of the account, or it has been used before',
      headers: { 'WWW-Authenticate': 'Bearer realm="rostrum"' },
    }),

  stepUpRequired: () =>
    new AppError({
      code: 'STEP_UP_REQUIRED',
      status: 403,
      title: 'Step-up required',
      detail: 'Show your second factor again first: POST /api/v1/auth/step-up',
    }),

  totpEnrolled: () => problems.conflict('TOTP_ENROLLED', 'There is an authenticator app already'),

  totpNotEnrolled: () => problems.conflict('TOTP_NOT_ENROLLED', 'There is no authenticator app'),

  noSecondFactor: () => problems.conflict('NO_SECOND_FACTOR', 'Recovery codes stand in for another factor'),
};
