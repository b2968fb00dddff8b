import { isUtf8 } from 'node:buffer';
import { problems } from '@rostrum/errors';
import { json, type Request, type RequestHandler, type Response } from 'express';
import { incompleteBody, malformedJson, notUtf8, plainLength, readPlainBody } from './plain-body';

/** The spec's general limit; routes name a far smaller one where that suits. */
const generalLimit = '10mb';

/** JSON.parse would silently put replacement characters in place of what is not UTF-8. */
function refuseBadUtf8(_request: unknown, _response: unknown, body: Buffer): void {
  if (!isUtf8(body)) throw new Error('The body is not UTF-8');
}

export type BodyReader = (request: Request, response: Response) => Promise<unknown>;

export interface BodyReaderOptions {
  limit?: string | undefined;
  /** Whether there may be no body at all: what is read is then undefined. */
  optional?: boolean;
}

/** Reads a JSON body within a limit; whatever is wrong with it is a 4xx problem. */
export function createBodyReader({
  limit = generalLimit,
  optional = false,
}: BodyReaderOptions = {}): BodyReader {
  const parse: RequestHandler = json({
    limit,
    strict: true,
    verify: refuseBadUtf8,
    type: 'application/json',
  });
  const mostBytes = bytesOf(limit);
  const readAny: BodyReader = (request, response) =>
    new Promise((resolve, reject) => {
      parse(request, response, (error?: unknown) => {
        if (error) reject(asProblem(error, limit));
        else if (request.body === undefined) reject(problems.unsupportedMediaType());
        else resolve(request.body);
      });
    });
  return async (request, response) => {
    if (isEmpty(request)) {
      if (optional) return undefined;
      throw problems.badRequest('BODY_REQUIRED', 'This route needs a JSON body');
    }
    const length = plainLength(request);
    if (length === undefined || length > mostBytes) return readAny(request, response);
    return (request.body = await readPlainBody(request, length));
  };
}

const units: Record<string, number> = { kb: 1024, mb: 1024 * 1024 };

/** Of a limit as contracts and body-parser write it. */
function bytesOf(limit: string): number {
  const [, number, unit = ''] = /^(\d+)(kb|mb)$/.exec(limit) ?? [];
  if (number === undefined) throw new Error(`A body limit is like 16kb or 10mb, not ${limit}`);
  return Number(number) * (units[unit] ?? 1);
}

/** body-parser makes `{}` of nothing, which would be told to be wrong in each of its fields. */
function isEmpty({ headers }: Request): boolean {
  const length = headers['content-length'];
  return (length === undefined || length === '0') && headers['transfer-encoding'] === undefined;
}

/** body-parser names what went wrong in `type`. */
function asProblem(error: unknown, limit: string): unknown {
  switch ((error as { type?: string }).type) {
    case 'entity.too.large':
      return problems.payloadTooLarge(limit);
    case 'entity.verify.failed':
      return notUtf8();
    case 'entity.parse.failed':
      return malformedJson();
    case 'encoding.unsupported':
    case 'charset.unsupported':
      return problems.unsupportedMediaType();
    case 'request.aborted':
    case 'request.size.invalid':
      return incompleteBody();
    default:
      return (error as { status?: number }).status === 400
        ? problems.badRequest('MALFORMED_BODY', 'The body cannot be decoded')
        : error;
  }
}
