import { RequestContext, runWithContext } from '@rostrum/observability';

/** Runs something as a part of a request. */
export function inRequest<T>(requestId: string, work: () => T): T {
  const ids = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), sampled: false };
  return runWithContext(new RequestContext({ requestId, ...ids }), work);
}
