import type { IncomingHttpHeaders } from 'node:http';
import { request, type Dispatcher } from 'undici';

/** One request as it goes out. */
export interface HttpExchange {
  url: URL;
  method: string;
  headers: Record<string, string>;
  body: string | Buffer | undefined;
  dispatcher: Dispatcher;
  signal: AbortSignal;
}

export interface RawAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

const redirects = new Set([301, 302, 303, 307, 308]);
const mostRedirects = 3;

/** What is wrong is the answer, not the way to it: asking again would bring the same. */
export class UnusableAnswer extends Error {}

/** Sends a request and reads all of its answer. Redirects of reads are followed where they stay on the same origin. */
export async function exchange(outgoing: HttpExchange): Promise<RawAnswer> {
  let { url } = outgoing;
  for (let followed = 0; followed <= mostRedirects; followed += 1) {
    const answer = await send({ ...outgoing, url });
    const next = redirectOf(answer, outgoing, url);
    if (next === undefined) return answer;
    url = next;
  }
  throw new UnusableAnswer(`It redirects more than ${mostRedirects} times`);
}

async function send({ url, body, ...outgoing }: HttpExchange): Promise<RawAnswer> {
  // undici knows fewer methods by type than it sends.
  const method = outgoing.method as Dispatcher.HttpMethod;
  try {
    const {
      statusCode,
      headers,
      body: stream,
    } = await request(url, { ...outgoing, method, ...(body !== undefined && { body }) });
    return { status: statusCode, headers, body: Buffer.from(await stream.arrayBuffer()) };
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'UND_ERR_RES_EXCEEDED_MAX_SIZE') throw error;
    throw new UnusableAnswer('It is larger than it may be', { cause: error });
  }
}

function redirectOf(answer: RawAnswer, { method }: HttpExchange, from: URL): URL | undefined {
  const { location } = answer.headers;
  const reads = method === 'GET' || method === 'HEAD';
  if (!reads || !redirects.has(answer.status) || location === undefined) return undefined;
  const to = URL.parse(location, from.href);
  if (to?.origin !== from.origin) throw new UnusableAnswer('It redirects to another host');
  return to;
}
