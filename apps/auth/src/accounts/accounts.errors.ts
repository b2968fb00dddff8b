import { AppError, problems } from '@rostrum/errors';

export const accountsErrors = {
  /** Usernames are public: everybody may see that one is in use. */
  usernameTaken: () => problems.conflict('USERNAME_TAKEN', 'This username is taken'),

  /** Told to whoever can read the mail of the address, and to nobody else. */
  emailTaken: () =>
    problems.conflict('EMAIL_TAKEN', 'Another account has shown that this address is its own'),

  /** The token is genuine, but whom it names is gone. */
  gone: () => problems.unauthorized(),

  /** Whatever is wrong with a token from a mail. */
  invalidToken: () =>
    new AppError({
      code: 'INVALID_TOKEN',
      status: 400,
      title: 'Invalid token',
      detail: 'The token is not one of ours, has been used or is too old; ask for another mail',
    }),
};
