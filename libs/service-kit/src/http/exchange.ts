import type { RequestContext } from '@rostrum/observability';
import type { AccessClaims } from '@rostrum/security';
import type { Request, Response } from 'express';
import type { Admission } from '../limits/admission';

/** What the kit knows of one request and its response, kept on the response so that nothing has to close over it. */
export interface Exchange {
  context: RequestContext;
  startedAt: number;
  /** The route pattern, never the URL; 'unmatched' until a route has matched. */
  route: string;
  params: Record<string, unknown> | undefined;
  bytes: number;
  user: AccessClaims | undefined;
  /** Where the request has a limit: whether it is admitted, and what its answer tells of that. */
  admission: Admission | undefined;
  /** Made where somebody asks for the request's signal. */
  abort: AbortController | undefined;
  /** It took too long: the client has been told so, whatever still comes of it. */
  overdue: boolean;
  error: unknown;
  /** Among those that are being answered. */
  place: number;
}

const key = Symbol('exchange');

export interface KitResponse extends Response {
  [key]?: Exchange;
}

export function attachExchange(response: Response, exchange: Exchange): void {
  (response as KitResponse)[key] = exchange;
}

/** The exchange that a response belongs to; absent only where Express is used without the kit. */
export function exchangeOf(response: object): Exchange | undefined {
  return (response as KitResponse)[key];
}

/** Like `exchangeOf`, for code that only runs behind the kit's first middleware. */
export function currentExchange(request: Request): Exchange {
  const exchange = request.res && exchangeOf(request.res);
  if (!exchange) throw new Error('The request did not come through createHttpApp');
  return exchange;
}
