import { AppError, problems } from '@rostrum/errors';

export const postsErrors = {
  notFound: () => problems.notFound('post'),

  deleted: () =>
    new AppError({
      code: 'POST_DELETED',
      status: 410,
      title: 'Gone',
      detail: 'The post has been deleted',
    }),
};
