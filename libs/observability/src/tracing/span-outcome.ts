import { SpanStatusCode, type Span } from '@opentelemetry/api';
import { redactText } from '../redaction/secret-text';
import type { ServerSpanEnd } from './types';

function nameOf(error: unknown): string {
  return error instanceof Error || (typeof error === 'object' && error !== null && 'name' in error)
    ? String(error.name)
    : typeof error;
}

/** Marks a span as failed, with what was thrown. */
export function recordFailure(span: Span, error: unknown): void {
  const isObject = typeof error === 'object' && error !== null;
  const message = redactText(isObject && 'message' in error ? String(error.message) : String(error));
  const stack = isObject && 'stack' in error && typeof error.stack === 'string' ? error.stack : undefined;
  span.setAttribute('error.type', nameOf(error));
  span.recordException({
    name: nameOf(error),
    message,
    ...(stack !== undefined && { stack: redactText(stack) }),
  });
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}

/** Ends a server span by the conventions: a 4xx is the client's mistake and leaves the status unset. */
export function endServerSpan(span: Span, { status, route, bytes, aborted, error }: ServerSpanEnd): void {
  span.setAttribute('http.response.status_code', status);
  if (bytes !== undefined) span.setAttribute('http.response.body.size', bytes);
  if (aborted === true) span.setAttribute('rostrum.client_aborted', true);
  if (route !== undefined) {
    span.setAttribute('http.route', route);
    const method =
      'attributes' in span ? (span.attributes as Record<string, unknown>)['http.request.method'] : undefined;
    if (typeof method === 'string') span.updateName(`${method} ${route}`);
  }
  if (status >= 500) {
    if (error === undefined)
      span.setAttribute('error.type', String(status)).setStatus({ code: SpanStatusCode.ERROR });
    else recordFailure(span, error);
  }
  span.end();
}

/** Runs `fn` and ends the span with it, or with the promise that it returns. */
export function endWith<T>(span: Span, fn: () => T): T {
  let result: T;
  try {
    result = fn();
  } catch (error) {
    recordFailure(span, error);
    span.end();
    throw error;
  }
  if (!isThenable(result)) {
    span.end();
    return result;
  }
  result.then(
    () => span.end(),
    (error: unknown) => {
      recordFailure(span, error);
      span.end();
    },
  );
  return result;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
