import { problems } from '@rostrum/errors';

export const followsErrors = {
  cannotFollowYourself: () => problems.conflict('CANNOT_FOLLOW_YOURSELF', 'You cannot follow yourself'),

  noRequest: () => problems.notFound('request to follow you'),
};
