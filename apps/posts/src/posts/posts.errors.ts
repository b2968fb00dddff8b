import { AppError, problems } from '@rostrum/errors';

const unprocessable = (code: string, detail: string) =>
  new AppError({ code, status: 422, title: 'Unprocessable content', detail });

export const postsErrors = {
  notFound: () => problems.notFound('post'),

  deleted: () =>
    new AppError({
      code: 'POST_DELETED',
      status: 410,
      title: 'Gone',
      detail: 'The post has been deleted',
    }),

  notYours: () => problems.forbidden('The post is not yours'),

  replyToNotFound: () =>
    unprocessable('REPLY_TO_NOT_FOUND', 'The post that you reply to is not there, or not for you'),

  quoteOfNotFound: () =>
    unprocessable('QUOTE_OF_NOT_FOUND', 'The post that you quote is not there, or not for you'),

  preconditionRequired: () =>
    new AppError({
      code: 'PRECONDITION_REQUIRED',
      status: 428,
      title: 'Precondition required',
      detail: 'Say with If-Match which version you have read',
    }),
};
