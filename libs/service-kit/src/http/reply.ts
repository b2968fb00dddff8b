import type { ServerResponse } from 'node:http';
import { exchangeOf } from './exchange';
import { ReadyBody } from './ready-body';

/** What a handler answers. `headers` is a flat list of names and values. */
export interface Reply<Status extends number = number, Body = unknown> {
  status: Status;
  body?: Body;
  /** JSON that is ready to be sent, in place of `body`. */
  raw?: string | Buffer | ReadyBody;
  /** How many bytes a `raw` text has, where that is known: to count those of a page takes 2 µs. */
  bytes?: number;
  headers?: readonly string[];
}

/** Head and text go to the system in one piece, head and buffer in two: that is dearer than to copy so many bytes. */
const longestCopied = 16 * 1024;

export const jsonType = 'application/json; charset=utf-8';

/**
 * Writes head and body in one go; Express's own `res.json` spends half its time on an ETag of the body. What a person
 * may see is theirs: no cache keeps it unless a route says otherwise.
 */
export function sendReply(response: ServerResponse, reply: Reply, contentType = jsonType): void {
  const { status, raw, headers } = reply;
  const head: string[] = headers ? headers.slice() : [];
  if (headers === undefined || !headers.includes('Cache-Control')) head.push('Cache-Control', 'no-store');
  const content = raw ?? (reply.body === undefined ? undefined : JSON.stringify(reply.body));
  if (content === undefined) {
    if (status !== 204 && status !== 304) head.push('Content-Length', '0');
    response.writeHead(status, head);
    response.end();
    return;
  }
  const bytes = lengthOf(content, reply.bytes);
  head.push('Content-Type', contentType, 'Content-Length', String(bytes));
  const exchange = exchangeOf(response);
  if (exchange) exchange.bytes = bytes;
  response.writeHead(status, head);
  if (content instanceof ReadyBody) endReady(response, content);
  else if (typeof content === 'string') {
    // As many bytes as characters: only ASCII, which Node copies as it is when told so.
    if (bytes === content.length) response.end(content, 'latin1');
    else response.end(content);
  } else if (bytes <= longestCopied) response.end(content.toString('latin1'), 'latin1');
  else response.end(content);
}

function lengthOf(content: string | Buffer | ReadyBody, known: number | undefined): number {
  if (typeof content === 'string') return known ?? Buffer.byteLength(content);
  return content instanceof ReadyBody ? content.bytes : content.length;
}

/** Where Node keeps a head that is written but not sent. */
type WithHead = ServerResponse & { _header?: unknown; _headerSent?: unknown };

/** Node would send the head by itself, before the bytes. */
function endReady(response: WithHead, body: ReadyBody): void {
  const { _header: head, _headerSent: isSent, req: request } = response;
  const isUsual = typeof head === 'string' && isSent === false && request.method !== 'HEAD';
  const message = isUsual ? body.under(head) : undefined;
  if (message === undefined) {
    response.end(body.content);
    return;
  }
  response._headerSent = true;
  response.end(message);
  // The system, or an answer before this one, has not let it through yet.
  if (response.writableLength > 0) body.leave();
}
