import { AppError, isAppError, problems, toProblem } from './index';

const context = { instance: '/api/v1/posts/1', requestId: 'request-1' };

describe('toProblem', () => {
  it('says what an AppError says', () => {
    const fields = [{ in: 'body' as const, path: '/text', code: 'too_big', message: 'Too long' }];
    expect(toProblem(problems.validation(fields), context)).toEqual({
      type: 'urn:rostrum:problem:validation-failed',
      title: 'Validation failed',
      status: 400,
      detail: '1 field is not as the contract says',
      instance: '/api/v1/posts/1',
      code: 'VALIDATION_FAILED',
      requestId: 'request-1',
      errors: fields,
    });
  });

  it.each([new Error('select secret from vault'), 'a string', null, undefined, { status: 400, code: 'X' }])(
    'tells nothing of an unknown error (%p)',
    (error) => {
      expect(toProblem(error, context)).toEqual({
        type: 'urn:rostrum:problem:internal-error',
        title: 'Internal server error',
        status: 500,
        instance: '/api/v1/posts/1',
        code: 'INTERNAL_ERROR',
        requestId: 'request-1',
      });
    },
  );

  it('has the members that an error adds', () => {
    const error = problems.tooManyRequests(7, { extensions: { policy: 'api' } });
    expect(toProblem(error, context)).toMatchObject({
      status: 429,
      code: 'TOO_MANY_REQUESTS',
      policy: 'api',
    });
    expect(toProblem(problems.tooManyRequests(7), context)).toMatchObject({ retryAfterSeconds: 7 });
  });

  it('never shows the cause', () => {
    const error = problems.unavailable('postgres', 2, new Error('password authentication failed'));
    expect(JSON.stringify(toProblem(error, context))).not.toContain('password');
  });
});

describe('isAppError', () => {
  it('knows an error of another copy of this library', () => {
    jest.isolateModules(() => {
      const copy = jest.requireActual<{ AppError: typeof AppError }>('./app-error');
      expect(copy.AppError).not.toBe(AppError);
      expect(isAppError(new copy.AppError({ code: 'X', status: 400, title: 'x' }))).toBe(true);
    });
  });

  it('does not take another error for one', () => {
    expect(isAppError(new Error('x'))).toBe(false);
    expect(isAppError(null)).toBe(false);
  });
});
