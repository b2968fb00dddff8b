import { isAppError, type FieldIssue } from './app-error';

/** An RFC 9457 problem document. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string;
  instance: string;
  code: string;
  requestId: string;
  errors?: FieldIssue[];
  /** An error's own members. */
  [extension: string]: unknown;
}

export interface ProblemContext {
  instance: string;
  requestId: string;
}

const internalError = { code: 'INTERNAL_ERROR', status: 500, title: 'Internal server error' };

/** Turns any error into what the client may know. An error without an answer of its own says nothing of itself. */
export function toProblem(error: unknown, { instance, requestId }: ProblemContext): Problem {
  const known = isAppError(error) ? error : internalError;
  return {
    type: `urn:rostrum:problem:${known.code.toLowerCase().replaceAll('_', '-')}`,
    title: known.title,
    status: known.status,
    ...('detail' in known && known.detail !== undefined && { detail: known.detail }),
    instance,
    code: known.code,
    requestId,
    ...('fields' in known && known.fields && { errors: known.fields }),
    ...('extensions' in known && known.extensions),
  };
}
