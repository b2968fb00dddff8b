import { ServerResponse, type OutgoingHttpHeader, type OutgoingHttpHeaders } from 'node:http';
import type { Express } from 'express';
import { exchangeOf } from './exchange';
import { securityHeaders } from './security-headers';

type HeaderList = OutgoingHttpHeaders | OutgoingHttpHeader[] | undefined;

/**
 * Adds the security headers, the request id and, while draining, `Connection: close` to every response at the one
 * moment that all responses share: when their head is written. A ready list of headers goes out in one piece; a
 * response whose headers were set one by one keeps those and gets what it lacks.
 */
export function addHeadersToEveryResponse(app: Express, isDraining: () => boolean): void {
  const fixed = securityHeaders();
  const writeHead = ServerResponse.prototype.writeHead;

  app.response.writeHead = function (this: ServerResponse, status: number, ...rest: unknown[]) {
    const given = (typeof rest[0] === 'string' ? rest[1] : rest[0]) as HeaderList;
    const context = exchangeOf(this)?.context;
    const own = isDraining() ? ['Connection', 'close'] : [];
    if (context) own.push('X-Request-Id', context.requestId);
    if (Array.isArray(given) && this.getHeaderNames().length === 0) {
      return writeHead.call(this, status, (given as string[]).concat(own, fixed));
    }
    setMissing(this, fixed);
    for (let i = 0; i < own.length; i += 2) this.setHeader(own[i] as string, own[i + 1] as string);
    return writeHead.call(this, status, given as OutgoingHttpHeaders);
  } as typeof app.response.writeHead;
}

function setMissing(response: ServerResponse, headers: readonly string[]): void {
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    if (!response.hasHeader(name)) response.setHeader(name, headers[i + 1] as string);
  }
}
