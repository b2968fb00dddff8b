import {
  IncomingMessage,
  ServerResponse,
  type OutgoingHttpHeader,
  type OutgoingHttpHeaders,
} from 'node:http';
import { Socket } from 'node:net';
import type { Express } from 'express';
import type { Admission } from '../limits/admission';
import { exchangeOf } from './exchange';
import { securityHeaders } from './security-headers';

type HeaderList = OutgoingHttpHeaders | OutgoingHttpHeader[] | undefined;

/** Where Node keeps a head that is written but not sent: one text, with the empty line at its end. */
type WithHead = ServerResponse & { _header?: unknown };

const lineEnd = '\r\n';

/**
 * Adds the security headers, the request id and, while draining, `Connection: close` to every response at the one
 * moment that all responses share: when their head is written. A ready list of headers goes out in one piece; a
 * response whose headers were set one by one keeps those and gets what it lacks.
 */
export function addHeadersToEveryResponse(app: Express, isDraining: () => boolean): void {
  const fixed = securityHeaders();
  const fixedLines = linesOf(fixed);
  const writeHead = ServerResponse.prototype.writeHead;
  const canAppend = headIsText();

  app.response.writeHead = function (this: WithHead, status: number, ...rest: unknown[]) {
    const given = (typeof rest[0] === 'string' ? rest[1] : rest[0]) as HeaderList;
    const exchange = exchangeOf(this);
    const requestId = exchange?.context.requestId;
    const admission = exchange?.admission;
    const draining = isDraining();
    if (Array.isArray(given) && this.getHeaderNames().length === 0) {
      const list = draining ? ['Connection', 'close', ...given] : given;
      if (!canAppend || requestId === undefined)
        return writeHead.call(
          this,
          status,
          list.concat(idHeader(requestId), limitHeaders(admission), fixed) as OutgoingHttpHeader[],
        );
      writeHead.call(this, status, list as OutgoingHttpHeader[]);
      // Node checks and joins each header on its own; what never changes is checked once and appended in one piece.
      const head = this._header as string;
      this._header = `${head.slice(0, -lineEnd.length)}X-Request-Id: ${requestId}${admission?.headerLines() ?? ''}${fixedLines}`;
      return this;
    }
    setMissing(this, fixed);
    setMissing(this, limitHeaders(admission));
    if (draining) this.setHeader('Connection', 'close');
    if (requestId !== undefined) this.setHeader('X-Request-Id', requestId);
    return writeHead.call(this, status, given as OutgoingHttpHeaders);
  } as typeof app.response.writeHead;
}

const limitHeaders = (admission: Admission | undefined) => admission?.headerList() ?? [];

const idHeader = (requestId: string | undefined) =>
  requestId === undefined ? [] : ['X-Request-Id', requestId];

/** The headers as they stand in a head, after the end of a line and with the empty line that ends it. */
function linesOf(headers: readonly string[]): string {
  let lines = lineEnd;
  for (let i = 0; i < headers.length; i += 2) lines += `${headers[i]}: ${headers[i + 1]}${lineEnd}`;
  return Buffer.from(lines + lineEnd).toString('latin1'); // flat, not a tree of its pieces
}

/** Whether this Node keeps the head as it has done for ten years; if it ever does not, headers go one by one. */
function headIsText(): boolean {
  const probe: WithHead = new ServerResponse(new IncomingMessage(new Socket()));
  probe.writeHead(200, []);
  return typeof probe._header === 'string' && probe._header.endsWith(lineEnd + lineEnd);
}

function setMissing(response: ServerResponse, headers: readonly string[]): void {
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    if (!response.hasHeader(name)) response.setHeader(name, headers[i + 1] as string);
  }
}
