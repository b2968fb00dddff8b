import { problems } from '@rostrum/errors';

export const draftsErrors = {
  notFound: () => problems.notFound('draft'),

  tooMany: (most: number) =>
    problems.conflict('TOO_MANY_DRAFTS', `You may keep ${most} drafts: publish or delete some`),

  publishAtOutOfRange: () =>
    problems.badRequest('PUBLISH_AT_OUT_OF_RANGE', 'publishAt must be a time within the next year'),
};
