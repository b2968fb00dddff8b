import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { SignatureV4 } from '@smithy/signature-v4';

export interface S3Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  region: string;
}

interface StoredObject {
  bytes: Buffer;
  type: string | undefined;
}

/** SHA-256 as the signer wants it. */
class Sha256 {
  private readonly hash;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bufferOf(secret));
  }
  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.hash.update(bufferOf(data));
  }
  digest(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(this.hash.digest()));
  }
  reset(): void {
    throw new Error('Each is used once');
  }
}

function bufferOf(data: string | ArrayBuffer | ArrayBufferView): Buffer {
  if (typeof data === 'string') return Buffer.from(data);
  return ArrayBuffer.isView(data)
    ? Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    : Buffer.from(data);
}

const unsigned = 'UNSIGNED-PAYLOAD';
const payloadHeader = 'x-amz-content-sha256';

/** A request as the signer sees it, with only those headers that are said to be signed. */
function signable(request: IncomingMessage, url: URL, signedHeaders: string) {
  const names = signedHeaders.split(';');
  const query = Object.fromEntries([...url.searchParams].filter(([name]) => !name.startsWith('X-Amz-')));
  return {
    method: request.method ?? '',
    protocol: 'http:',
    hostname: url.host,
    path: url.pathname,
    query,
    headers: Object.fromEntries(names.map((name) => [name, String(request.headers[name] ?? '')])),
  };
}

const dateOf = (text: string) =>
  new Date(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));

/**
 * As much of S3 as we use: a bucket in memory that checks every signature with the signer of AWS's own SDK, which is
 * none of ours. What it would let pass, so would S3; what it refuses is refused there.
 */
export class S3Server {
  readonly objects = new Map<string, StoredObject>();
  /** How many of the next requests are answered with a 503. */
  failures = 0;
  requests = 0;
  /** How long it takes over each. */
  delayMs = 0;
  private readonly signer: SignatureV4;
  private readonly server = createServer((request, response) => {
    this.answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });

  private constructor({ region, ...credentials }: S3Credentials) {
    this.signer = new SignatureV4({
      service: 's3',
      region,
      credentials,
      sha256: Sha256,
      uriEscapePath: false,
      applyChecksum: false,
    });
  }

  static async start(credentials: S3Credentials): Promise<S3Server> {
    const s3 = new S3Server(credentials);
    await new Promise<void>((resolve) => s3.server.listen(0, '127.0.0.1', resolve));
    return s3;
  }

  get bucketUrl(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/pictures`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests += 1;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    if (this.delayMs > 0) await setTimeout(this.delayMs);
    if (this.failures > 0) {
      this.failures -= 1;
      return void response.writeHead(503).end('<Error><Code>SlowDown</Code></Error>');
    }
    const url = new URL(request.url ?? '', `http://${request.headers.host}`);
    const refusal = await this.refusalOf(request, url, bytes);
    if (refusal !== undefined)
      return void response.writeHead(403).end(`<Error><Code>${refusal}</Code></Error>`);
    this.serve(request, { url, bytes }, response);
  }

  private async refusalOf(request: IncomingMessage, url: URL, bytes: Buffer): Promise<string | undefined> {
    const isPresigned = url.searchParams.has('X-Amz-Signature');
    const genuine = isPresigned ? await this.isPresigned(request, url) : await this.isSigned(request, url);
    if (!genuine) return 'SignatureDoesNotMatch';
    const until =
      dateOf(url.searchParams.get('X-Amz-Date') ?? '').getTime() +
      Number(url.searchParams.get('X-Amz-Expires')) * 1_000;
    if (isPresigned) return Date.now() > until ? 'AccessDenied' : undefined;
    const digest = createHash('sha256').update(bytes).digest('hex');
    return request.headers[payloadHeader] === digest ? undefined : 'XAmzContentSHA256Mismatch';
  }

  private async isSigned(request: IncomingMessage, url: URL): Promise<boolean> {
    const { authorization = '', 'x-amz-date': date = '' } = request.headers;
    const [, signedHeaders = ''] = /SignedHeaders=([^,]+)/.exec(authorization) ?? [];
    // What says who it is, when and for which bytes has to be signed.
    if (!['host', payloadHeader, 'x-amz-date'].every((name) => signedHeaders.split(';').includes(name)))
      return false;
    const signed = await this.signer.sign(signable(request, url, signedHeaders), {
      signingDate: dateOf(String(date)),
      signableHeaders: new Set(signedHeaders.split(';')),
    });
    return signatureIn(signed.headers['authorization'] ?? '') === signatureIn(authorization);
  }

  private async isPresigned(request: IncomingMessage, url: URL): Promise<boolean> {
    const { searchParams } = url;
    const signedHeaders = searchParams.get('X-Amz-SignedHeaders') ?? '';
    const plain = signable(request, url, signedHeaders);
    const apart = new Set([payloadHeader]);
    const signed = await this.signer.presign(
      { ...plain, headers: { ...plain.headers, [payloadHeader]: unsigned } },
      {
        signingDate: dateOf(searchParams.get('X-Amz-Date') ?? ''),
        expiresIn: Number(searchParams.get('X-Amz-Expires')),
        signableHeaders: new Set(signedHeaders.split(';')),
        unsignableHeaders: apart,
        unhoistableHeaders: apart,
      },
    );
    return signed.query?.['X-Amz-Signature'] === searchParams.get('X-Amz-Signature');
  }

  private serve(
    { method, headers }: IncomingMessage,
    { url, bytes }: { url: URL; bytes: Buffer },
    response: ServerResponse,
  ): void {
    const key = url.pathname;
    const object = this.objects.get(key);
    if (method === 'PUT') {
      this.objects.set(key, { bytes, type: headers['content-type'] });
      response.writeHead(200).end();
    } else if (method === 'DELETE') {
      this.objects.delete(key);
      response.writeHead(204).end();
    } else if (!object) {
      response.writeHead(404).end('<Error><Code>NoSuchKey</Code></Error>');
    } else {
      const overridden = ['content-type', 'content-disposition', 'cache-control'].flatMap((name) => {
        const value = url.searchParams.get(`response-${name}`) ?? (name === 'content-type' && object.type);
        return value ? [[name, value] as const] : [];
      });
      response.writeHead(200, Object.fromEntries(overridden)).end(object.bytes);
    }
  }
}

const signatureIn = (authorization: string) => /Signature=([0-9a-f]{64})$/.exec(authorization)?.[1] ?? 'none';
