import { createHash, createHmac, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAwsKms } from './aws-kms';
import { bindTexts, decryptBytes, encryptBytes } from './aes-gcm';
import { contextEntries } from './kms';

const credentials = { accessKeyId: 'AKIATEST', secretAccessKey: 'the secret of the test' };
const region = 'eu-central-1';
const arn = `arn:aws:kms:${region}:000000000000:key/1`;

interface KmsRequest {
  KeyId: string;
  Plaintext: string;
  CiphertextBlob: string;
  EncryptionContext: Record<string, string>;
}

type Fault = 'none' | 'error' | 'throttle' | 'silence' | 'denied';

/** Speaks as much of the service's protocol as is documented and needed: JSON 1.1, signatures, contexts, errors. */
class KmsServer {
  fault: Fault = 'none';
  requests = 0;
  signatures: boolean[] = [];
  private readonly key = randomBytes(32);
  private readonly server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      this.requests += 1;
      const body = Buffer.concat(chunks);
      this.signatures.push(isSignedBy(request, body));
      if (this.fault === 'silence') return;
      const [status, answer] = this.answer(
        String(request.headers['x-amz-target']),
        JSON.parse(body.toString()) as KmsRequest,
      );
      response
        .writeHead(status, { 'content-type': 'application/x-amz-json-1.1' })
        .end(JSON.stringify(answer));
    });
  });

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private answer(target: string, body: KmsRequest): [number, object] {
    if (this.fault === 'error') return [500, { __type: 'KMSInternalException', message: 'x' }];
    if (this.fault === 'throttle') return [400, { __type: 'ThrottlingException', message: 'x' }];
    if (this.fault === 'denied') return [400, { __type: 'AccessDeniedException', message: 'x' }];
    const about = bindTexts(...contextEntries(body.EncryptionContext).flat());
    if (target === 'TrentService.Encrypt') {
      const sealed = encryptBytes(this.key, Buffer.from(body.Plaintext, 'base64'), about);
      return [200, { KeyId: arn, CiphertextBlob: sealed.toString('base64') }];
    }
    if (target !== 'TrentService.Decrypt') return [400, { __type: 'UnknownOperationException' }];
    if (body.KeyId !== arn) return [400, { __type: 'IncorrectKeyException', message: 'x' }];
    try {
      const plain = decryptBytes(this.key, Buffer.from(body.CiphertextBlob, 'base64'), about);
      return [200, { KeyId: arn, Plaintext: plain.toString('base64') }];
    } catch {
      return [400, { __type: 'InvalidCiphertextException' }];
    }
  }
}

/** Signature version 4, as it is documented, computed anew. */
function isSignedBy({ method, url, headers }: IncomingMessage, body: Buffer): boolean {
  const sha = (data: Buffer | string) => createHash('sha256').update(data).digest('hex');
  const hmac = (key: Buffer | string, data: string) => createHmac('sha256', key).update(data).digest();
  const given = /Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]+)/.exec(
    String(headers.authorization),
  );
  const [, scope = '', names = '', signature] = given ?? [];
  const [accessKey, ...place] = scope.split('/');
  const signed = names.split(';').map((name) => `${name}:${String(headers[name]).trim()}\n`);
  const canonical = [method, url, '', signed.join(''), names, sha(body)].join('\n');
  const text = ['AWS4-HMAC-SHA256', headers['x-amz-date'], place.join('/'), sha(canonical)].join('\n');
  const key = place.reduce<Buffer | string>((k, part) => hmac(k, part), `AWS4${credentials.secretAccessKey}`);
  return accessKey === credentials.accessKeyId && hmac(key, text).toString('hex') === signature;
}

const context = { service: 'auth', keyId: 'k' };
const dataKey = randomBytes(32);
let server: KmsServer;
let endpoint: string;

beforeEach(async () => {
  server = new KmsServer();
  endpoint = await server.start();
});
afterEach(() => server.stop());

const kms = () => createAwsKms({ keyId: 'alias/rostrum', region, endpoint, credentials, timeoutMs: 300 });

it('wraps and unwraps, and signs each request', async () => {
  const wrapped = await kms().wrap(dataKey, context);
  expect(wrapped.masterKeyId).toBe(arn);
  expect(wrapped.bytes.includes(dataKey)).toBe(false);
  expect(await kms().unwrap(wrapped, { keyId: 'k', service: 'auth' })).toEqual(dataKey);
  expect(server.signatures).toEqual([true, true]);
});

it('refuses what was changed, another context and another key', async () => {
  const wrapped = await kms().wrap(dataKey, context);
  const bytes = Buffer.from(wrapped.bytes);
  bytes[20] = Number(bytes[20]) ^ 1;
  const refused = { name: 'KmsError', failure: 'refused' };
  await expect(kms().unwrap({ ...wrapped, bytes }, context)).rejects.toMatchObject(refused);
  await expect(kms().unwrap(wrapped, { ...context, keyId: 'l' })).rejects.toMatchObject(refused);
  await expect(kms().unwrap({ ...wrapped, masterKeyId: `${arn}2` }, context)).rejects.toMatchObject(refused);
  const { requests } = server;
  server.fault = 'denied';
  await expect(kms().wrap(dataKey, context)).rejects.toMatchObject(refused);
  expect(server.requests).toBe(requests + 1);
});

it.each<Fault>(['error', 'throttle', 'silence'])(
  'tries again and then says that it is away: %s',
  async (fault) => {
    server.fault = fault;
    await expect(kms().wrap(dataKey, context)).rejects.toMatchObject({
      name: 'KmsError',
      failure: 'unavailable',
    });
    expect(server.requests).toBe(3);
    server.fault = 'none';
    expect((await kms().wrap(dataKey, context)).masterKeyId).toBe(arn);
  },
);

it('a server that is gone is away', async () => {
  const one = kms();
  await server.stop();
  await expect(one.wrap(dataKey, context)).rejects.toMatchObject({ failure: 'unavailable' });
  await server.start();
});
