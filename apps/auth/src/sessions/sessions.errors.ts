import { AppError, problems } from '@rostrum/errors';

const challenge = { 'WWW-Authenticate': 'Bearer realm="rostrum"' };

export const sessionsErrors = {
  /** The same for an unknown account and a wrong password. */
  invalidCredentials: () =>
    new AppError({
      code: 'INVALID_CREDENTIALS',
      status: 401,
      title: 'Invalid credentials',
      detail: 'There is no account with this identifier and password',
      headers: challenge,
    }),

  /** Told to whoever knows the password alone. */
  suspended: () =>
    new AppError({
      code: 'ACCOUNT_SUSPENDED',
      status: 403,
      title: 'Account suspended',
      detail: 'This account has been suspended',
    }),

  /** The same for whatever is wrong with a refresh token. */
  invalidRefreshToken: () =>
    new AppError({
      code: 'INVALID_REFRESH_TOKEN',
      status: 401,
      title: 'Invalid refresh token',
      detail: 'The session is over; sign in again',
      headers: challenge,
    }),

  tooManyRefreshes: () =>
    new AppError({
      code: 'TOO_MANY_REFRESHES',
      status: 429,
      title: 'Too many refreshes',
      detail: 'This session has been refreshed too often just now; its token stays good',
      retryAfterSeconds: 10,
    }),

  notFound: () => problems.notFound('session'),
};
