import { problems } from '@rostrum/errors';

export const postsErrors = {
  notFound: () => problems.notFound('post'),
};
