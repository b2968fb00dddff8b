import { AppError, type FieldIssue } from './app-error';

interface TooManyRequests {
  detail?: string;
  /** Members of the problem that help a client to come back in time. */
  extensions?: Record<string, unknown>;
}

/** Ready-made errors for what every service meets; a feature's own errors stand in its `*.errors.ts`. */
export const problems = {
  badRequest: (code: string, detail: string, cause?: unknown) =>
    new AppError({ code, status: 400, title: 'Bad request', detail, cause }),

  validation: (fields: FieldIssue[]) =>
    new AppError({
      code: 'VALIDATION_FAILED',
      status: 400,
      title: 'Validation failed',
      detail: `${fields.length} field${fields.length === 1 ? ' is' : 's are'} not as the contract says`,
      fields,
    }),

  unauthorized: (detail = 'A valid access token is required', cause?: unknown) =>
    new AppError({
      code: 'UNAUTHORIZED',
      status: 401,
      title: 'Unauthorized',
      detail,
      headers: { 'WWW-Authenticate': 'Bearer realm="rostrum"' },
      cause,
    }),

  forbidden: (detail = 'You may not do this') =>
    new AppError({ code: 'FORBIDDEN', status: 403, title: 'Forbidden', detail }),

  notFound: (what: string) =>
    new AppError({ code: 'NOT_FOUND', status: 404, title: 'Not found', detail: `There is no such ${what}` }),

  routeNotFound: () =>
    new AppError({
      code: 'ROUTE_NOT_FOUND',
      status: 404,
      title: 'Not found',
      detail: 'There is no such route',
    }),

  methodNotAllowed: (allowed: string[]) =>
    new AppError({
      code: 'METHOD_NOT_ALLOWED',
      status: 405,
      title: 'Method not allowed',
      detail: `This route answers ${allowed.join(', ')}`,
      headers: { Allow: allowed.join(', ') },
    }),

  conflict: (code: string, detail: string, cause?: unknown) =>
    new AppError({ code, status: 409, title: 'Conflict', detail, cause }),

  preconditionFailed: () =>
    new AppError({
      code: 'PRECONDITION_FAILED',
      status: 412,
      title: 'Precondition failed',
      detail: 'It has changed since you read it',
    }),

  payloadTooLarge: (limit: string) =>
    new AppError({
      code: 'PAYLOAD_TOO_LARGE',
      status: 413,
      title: 'Payload too large',
      detail: `The body is larger than ${limit}`,
    }),

  unsupportedMediaType: (detail = 'The body must be application/json in UTF-8') =>
    new AppError({ code: 'UNSUPPORTED_MEDIA_TYPE', status: 415, title: 'Unsupported media type', detail }),

  tooManyRequests: (
    retryAfterSeconds: number,
    { detail = 'Slow down and try again later', extensions = { retryAfterSeconds } }: TooManyRequests = {},
  ) =>
    new AppError({
      code: 'TOO_MANY_REQUESTS',
      status: 429,
      title: 'Too many requests',
      detail,
      retryAfterSeconds,
      extensions,
    }),

  badResponse: (dependency: string, cause?: unknown) =>
    new AppError({
      code: `${dependency.toUpperCase()}_BAD_RESPONSE`,
      status: 502,
      title: 'Bad gateway',
      detail: 'A part that this request needs gave an answer that cannot be used',
      cause,
    }),

  deadlineExceeded: () =>
    new AppError({
      code: 'DEADLINE_EXCEEDED',
      status: 503,
      title: 'Service unavailable',
      detail: 'The answer took too long; what was asked for may have been done or not',
      retryAfterSeconds: 1,
    }),

  unavailable: (dependency: string, retryAfterSeconds = 1, cause?: unknown) =>
    new AppError({
      code: `${dependency.toUpperCase()}_UNAVAILABLE`,
      status: 503,
      title: 'Service unavailable',
      detail: 'A part that this request needs does not answer; try again soon',
      retryAfterSeconds,
      cause,
    }),
};
