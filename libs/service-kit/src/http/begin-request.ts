import type { IncomingMessage } from 'node:http';
import type { RequestContext, Tracing } from '@rostrum/observability';
import type { Request } from 'express';
import { InternalNetworks } from '../limits/caller-address';
import { acceptRequestId } from './request-id';

export interface BeginOptions {
  tracing: Pick<Tracing, 'begin' | 'beginUndecided'>;
  /** Whether a trusted proxy's sampling decision is followed. */
  followsProxies: boolean;
}

/** Where no client of the world outside is: services call each other there, without a proxy between. */
const nearby = new InternalNetworks([
  '127.0.0.0/8',
  '::1/128',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  'fc00::/7',
]);

/**
 * The context of a request, with its id and its trace. Whoever calls may name the trace that it belongs to; that it is to
 * be kept is believed of our own services, and of proxies where they are said to decide for themselves: anybody else could
 * have all of their requests traced.
 */
export function beginRequest(
  request: IncomingMessage,
  { tracing, followsProxies }: BeginOptions,
): RequestContext {
  const { headers } = request;
  const { traceparent, tracestate } = headers as Record<string, string | undefined>;
  const requestId = acceptRequestId(headers['x-request-id']);
  if (traceparent === undefined || nearby.isSourceOf(request) || (followsProxies && isOfProxy(request)))
    return tracing.begin(traceparent, requestId, tracestate);
  return tracing.beginUndecided(traceparent, requestId, tracestate);
}

/** On the public server every request is born as one of Express, upgrades too. */
function isOfProxy(request: IncomingMessage): boolean {
  const isTrusted = (request as Request).app.get('trust proxy fn') as (
    address: string,
    hops: number,
  ) => boolean;
  return 'x-forwarded-for' in request.headers && isTrusted(request.socket.remoteAddress ?? '', 0);
}
