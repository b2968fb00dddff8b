import { AppError, problems } from '@rostrum/errors';

export const oidcErrors = {
  unknownProvider: () => problems.notFound('identity provider'),

  /** The same for whatever is wrong with what came back. */
  refused: (cause?: unknown) =>
    new AppError({
      code: 'OIDC_REFUSED',
      status: 401,
      title: 'Sign-in refused',
      detail: 'The identity provider has not said who this is, or it was too late; begin anew',
      headers: { 'WWW-Authenticate': 'Bearer realm="rostrum"' },
      cause,
    }),

  notLinked: () =>
    problems.conflict('IDENTITY_NOT_LINKED', 'Sign in to your account first, then link this identity to it'),

  taken: () =>
    problems.conflict('IDENTITY_TAKEN', 'The identity, or another of this provider, is linked already'),

  unverified: () =>
    new AppError({
      code: 'OIDC_EMAIL_UNVERIFIED',
      status: 403,
      title: 'Unverified address',
      detail: 'The identity provider has not verified the address of this identity',
    }),

  unavailable: (cause: unknown) =>
    new AppError({
      code: 'IDENTITY_PROVIDER_UNAVAILABLE',
      status: 503,
      title: 'Identity provider unavailable',
      detail: 'The identity provider does not answer; try again later',
      retryAfterSeconds: 10,
      cause,
    }),
};
