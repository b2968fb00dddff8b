import { problems } from '@rostrum/errors';

export const adminErrors = {
  unknownUser: () => problems.notFound('user'),

  lastAdmin: () =>
    problems.conflict('LAST_ADMIN', 'This is the last admin; give somebody else the role first'),

  ownAccount: () => problems.conflict('OWN_ACCOUNT', 'Nobody suspends themselves; let another admin do it'),
};
