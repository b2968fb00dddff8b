import { AppError, problems } from '@rostrum/errors';

const unprocessable = (code: string, detail: string, cause?: unknown) =>
  new AppError({ code, status: 422, title: 'Unprocessable content', detail, cause });

export const mediaErrors = {
  notFound: () => problems.notFound('picture'),

  /** In `media` of a post or a draft, or as a profile's picture. */
  notUsable: () =>
    unprocessable(
      'MEDIA_NOT_USABLE',
      'Each picture must be an upload of yours that is completed, and be used nowhere else',
    ),

  tooMany: (most: number) =>
    problems.conflict(
      'TOO_MANY_UPLOADS',
      `You may have ${most} pictures that are not in a post: use some first`,
    ),

  notUploaded: () =>
    problems.conflict('MEDIA_NOT_UPLOADED', 'Nothing has been uploaded, or not all of it: do that first'),

  inProgress: () =>
    new AppError({
      code: 'MEDIA_IN_PROGRESS',
      status: 409,
      title: 'Conflict',
      detail: 'The picture is being looked through',
      retryAfterSeconds: 1,
    }),

  /** What is asked for is answered by who asks again: 404, or it is done. */
  inUse: () =>
    new AppError({
      code: 'MEDIA_IN_PROGRESS',
      status: 409,
      title: 'Conflict',
      detail: 'The picture is just being put into a post, or removed',
      retryAfterSeconds: 1,
    }),

  wrongType: (found: string) =>
    unprocessable('MEDIA_TYPE_MISMATCH', `The bytes are not of the type that was announced, but ${found}`),

  notReadable: (cause?: unknown) =>
    unprocessable('MEDIA_NOT_READABLE', 'The picture is damaged, or not all of it is there', cause),

  tooLarge: (detail: string) => unprocessable('MEDIA_TOO_LARGE', detail),

  storeFull: () =>
    new AppError({
      code: 'MEDIA_STORE_FULL',
      status: 503,
      title: 'Service unavailable',
      detail: 'There is no room for more pictures',
      retryAfterSeconds: 60,
    }),

  noStore: () => problems.unavailable('media_store', 60, new Error('No store for media is configured')),

  grantRefused: () => problems.forbidden('The URL is not one that was given out for this, or not any more'),
};
