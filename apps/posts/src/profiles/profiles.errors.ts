import { AppError, problems } from '@rostrum/errors';

export const profilesErrors = {
  notFound: () => problems.notFound('user'),

  /** There is such a person, but whom they follow and who follows them is for their followers. */
  accountPrivate: () =>
    new AppError({
      code: 'ACCOUNT_PRIVATE',
      status: 403,
      title: 'Forbidden',
      detail: 'This account is private: only its followers see that',
    }),

  /** The read copy still gives this name to somebody else: an event of auth's has not arrived yet. */
  notReady: (cause: unknown) =>
    new AppError({
      code: 'PROFILE_NOT_READY',
      status: 503,
      title: 'Service unavailable',
      detail: 'Your profile is still being set up; try again soon',
      retryAfterSeconds: 2,
      cause,
    }),
};
