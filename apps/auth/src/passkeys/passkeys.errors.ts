import { AppError, problems } from '@rostrum/errors';

export const passkeysErrors = {
  /** The same for whatever is wrong with what a passkey has signed, and for one that is not known. */
  invalid: () =>
    new AppError({
      code: 'PASSKEY_INVALID',
      status: 401,
      title: 'Invalid passkey',
      detail: 'Nobody signs in with this passkey, or its answer was too late',
      headers: { 'WWW-Authenticate': 'Bearer realm="rostrum"' },
    }),

  /** What the browser has made is not what was asked for. */
  refused: (cause?: unknown) =>
    problems.badRequest('PASSKEY_REFUSED', 'This is no passkey that was asked for just now', cause),

  known: () => problems.conflict('PASSKEY_KNOWN', 'This passkey is kept already'),

  tooMany: () => problems.conflict('TOO_MANY_PASSKEYS', 'There are as many passkeys as one account may have'),

  notFound: () => problems.notFound('passkey'),
};
