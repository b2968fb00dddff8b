import { problems } from '@rostrum/errors';

export const accountsErrors = {
  /** Says neither which of the two it is nor whose. */
  exists: () => problems.conflict('ACCOUNT_EXISTS', 'There is an account with this email or username'),

  /** The token is genuine, but whom it names is gone. */
  gone: () => problems.unauthorized(),
};
