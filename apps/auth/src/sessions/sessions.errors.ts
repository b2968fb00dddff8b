import { AppError } from '@rostrum/errors';

export const sessionsErrors = {
  /** The same for an unknown account and a wrong password. */
  invalidCredentials: () =>
    new AppError({
      code: 'INVALID_CREDENTIALS',
      status: 401,
      title: 'Invalid credentials',
      detail: 'There is no account with this identifier and password',
      headers: { 'WWW-Authenticate': 'Bearer realm="rostrum"' },
    }),
};
