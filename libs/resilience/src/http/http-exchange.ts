/** One request as it goes out. */
export interface HttpExchange {
  url: URL;
  method: string;
  headers: Record<string, string>;
  body: string | Buffer | undefined;
  maxBytes: number;
  signal: AbortSignal;
}

export interface RawAnswer {
  status: number;
  headers: Headers;
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

async function send({ url, method, headers, body, maxBytes, signal }: HttpExchange): Promise<RawAnswer> {
  const init = { method, headers, signal, redirect: 'manual' as const };
  const response = await fetch(url, body === undefined ? init : { ...init, body });
  return {
    status: response.status,
    headers: response.headers,
    body: await readAtMost(response, maxBytes),
  };
}

/** What is counted is what it is after decompression: a small answer may hide a large one. */
async function readAtMost(response: Response, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    // Leaving the loop ends the transfer.
    if (bytes > maxBytes) throw new UnusableAnswer(`It is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}

function redirectOf(answer: RawAnswer, { method }: HttpExchange, from: URL): URL | undefined {
  const location = answer.headers.get('location');
  const reads = method === 'GET' || method === 'HEAD';
  if (!reads || !redirects.has(answer.status) || location === null) return undefined;
  const to = URL.parse(location, from.href);
  if (to?.origin !== from.origin) throw new UnusableAnswer('It redirects to another host');
  return to;
}
