import { problems } from '@rostrum/errors';

export const personModerationErrors = {
  /** Nobody reports or moderates themselves, nor reads who has reported them. */
  ownAccount: () => problems.conflict('OWN_ACCOUNT', 'That is yourself'),

  nothingToDecide: () => problems.conflict('NOTHING_TO_DECIDE', 'There is nothing left to decide'),
};
