import { problems } from '@rostrum/errors';
import type { Request } from 'express';

/** How nearly all clients say that they send JSON. */
const plainTypes = new Set(['application/json', 'application/json; charset=utf-8']);
/** JSON.parse would silently take what comes in place of what is not UTF-8. */
const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * How many bytes a JSON body has that comes as it is: not compressed, not in another charset, its length said before.
 * Undefined for any other.
 */
export function plainLength({ headers }: Request): number | undefined {
  const length = headers['content-length'];
  const isPlain =
    length !== undefined &&
    headers['content-encoding'] === undefined &&
    headers['transfer-encoding'] === undefined &&
    plainTypes.has(headers['content-type'] ?? '');
  return isPlain ? Number(length) : undefined;
}

/** Nearly always it is all there with the first chunk; to read it as streams are read takes three times as long. */
export function readPlainBody(request: Request, length: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    if (request.destroyed) return reject(incompleteBody());
    let missing = length;
    let before: Buffer[] | undefined;
    request.on('data', (chunk: Buffer) => {
      missing -= chunk.length;
      if (missing > 0) return void (before ??= []).push(chunk);
      try {
        resolve(parse(before ? Buffer.concat([...before, chunk]) : chunk));
      } catch (error) {
        reject(error as Error);
      }
    });
    request.on('close', () => {
      if (missing > 0) reject(incompleteBody());
    });
  });
}

/** Objects and arrays alone, as everywhere that bodies are read. */
function parse(bytes: Buffer): object {
  const value = parseText(decode(bytes));
  if (typeof value !== 'object' || value === null) throw malformedJson();
  return value;
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformedJson();
  }
}

function decode(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw notUtf8();
  }
}

export const malformedJson = () => problems.badRequest('MALFORMED_JSON', 'The body is not valid JSON');

export const notUtf8 = () => problems.badRequest('MALFORMED_JSON', 'The body is not valid UTF-8');

export const incompleteBody = () =>
  problems.badRequest('INCOMPLETE_BODY', 'The body is not as long as Content-Length says');
