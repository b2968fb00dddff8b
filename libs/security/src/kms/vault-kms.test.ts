import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { decryptBytes, encryptBytes } from './aes-gcm';
import { createVaultKms, type VaultKmsOptions } from './vault-kms';

interface Answer {
  status: number;
  body: unknown;
}

/** Speaks as much of Transit's API as is documented and needed: versions of a key, additional data, tokens, errors. */
class TransitServer {
  /** What it answers instead, one after the other; 'silence' never answers. */
  faults: (Answer | 'silence' | 'garbage')[] = [];
  requests: IncomingMessage[] = [];
  readonly versions = [randomBytes(32)];
  token = 'token-1';
  private readonly server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      this.requests.push(request);
      const fault = this.faults.shift();
      if (fault === 'silence') return;
      if (fault === 'garbage') {
        response.end('<html>');
        return;
      }
      const { status, body } = fault ?? this.answer(request, JSON.parse(Buffer.concat(chunks).toString()));
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
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

  private answer({ method, url, headers }: IncomingMessage, body: Record<string, string>): Answer {
    const about = Buffer.from(body.associated_data ?? '', 'base64');
    if (headers['x-vault-token'] !== this.token)
      return { status: 403, body: { errors: ['permission denied'] } };
    if (method === 'POST' && url === '/v1/secret/transit/encrypt/rostrum') {
      const version = this.versions.length;
      const sealed = encryptBytes(
        this.versions.at(-1) as Buffer,
        Buffer.from(String(body.plaintext), 'base64'),
        about,
      );
      return {
        status: 200,
        body: {
          data: { ciphertext: `vault:v${version}:${sealed.toString('base64')}`, key_version: version },
        },
      };
    }
    if (method !== 'POST' || url !== '/v1/secret/transit/decrypt/rostrum')
      return { status: 404, body: { errors: [] } };
    try {
      const [, version, sealed] = String(body.ciphertext).split(':');
      const key = this.versions[Number(version?.slice(1)) - 1] as Buffer;
      const plain = decryptBytes(key, Buffer.from(String(sealed), 'base64'), about);
      return { status: 200, body: { data: { plaintext: plain.toString('base64') } } };
    } catch {
      return { status: 400, body: { errors: ['cipher: message authentication failed'] } };
    }
  }
}

const context = { service: 'auth', keyId: 'k' };
const dataKey = randomBytes(32);
const refused = { name: 'KmsError', failure: 'refused' };
const away = { name: 'KmsError', failure: 'unavailable' };
let server: TransitServer;
let address: string;

beforeEach(async () => {
  server = new TransitServer();
  address = await server.start();
});
afterEach(() => server.stop());

const kms = (more: Partial<VaultKmsOptions> = {}) =>
  createVaultKms({
    address,
    mount: 'secret/transit',
    key: 'rostrum',
    token: { text: 'token-1' },
    timeoutMs: 300,
    retryMs: [1, 1],
    ...more,
  });

it('wraps and unwraps, over versions of the key', async () => {
  const first = await kms().wrap(dataKey, context);
  expect(first.masterKeyId).toBe('secret/transit/rostrum:v1');
  server.versions.push(randomBytes(32));
  const second = await kms().wrap(dataKey, context);
  expect(second.masterKeyId).toBe('secret/transit/rostrum:v2');
  expect(await kms().unwrap(first, context)).toEqual(dataKey);
  expect(await kms().unwrap(second, { keyId: 'k', service: 'auth' })).toEqual(dataKey);
});

it('refuses what was changed, another context and another key, without trying again', async () => {
  const wrapped = await kms().wrap(dataKey, context);
  const bytes = Buffer.from(wrapped.bytes.toString().replace(/.{8}$/, 'AAAAAAA='));
  await expect(kms().unwrap({ ...wrapped, bytes }, context)).rejects.toMatchObject(refused);
  await expect(kms().unwrap(wrapped, { ...context, keyId: 'l' })).rejects.toMatchObject(refused);
  await expect(
    kms().unwrap({ ...wrapped, masterKeyId: 'secret/transit/other:v1' }, context),
  ).rejects.toMatchObject(refused);
  await expect(kms({ token: { text: 'stolen' } }).unwrap(wrapped, context)).rejects.toMatchObject(refused);
  expect(server.requests).toHaveLength(5);
});

it('tries again where that may help', async () => {
  server.faults = [{ status: 503, body: { errors: ['Vault is sealed'] } }, 'garbage'];
  expect(await kms().wrap(dataKey, context)).toMatchObject({ masterKeyId: 'secret/transit/rostrum:v1' });
  expect(server.requests).toHaveLength(3);
});

it.each<[string, TransitServer['faults'][number]]>([
  ['sealed', { status: 503, body: { errors: ['Vault is sealed'] } }],
  ['busy', { status: 429, body: {} }],
  ['broken', { status: 500, body: null }],
  ['silent', 'silence'],
  ['something else', 'garbage'],
])('says that it is away when it stays %s', async (_, fault) => {
  server.faults = [fault, fault, fault];
  await expect(kms().wrap(dataKey, context)).rejects.toMatchObject(away);
  expect(server.requests).toHaveLength(3);
});

it('reads a token that is renewed in a file, and sends the namespace', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'vault-'));
  const file = path.join(folder, 'token');
  const agent = kms({ token: { file }, namespace: 'team' });
  await expect(agent.wrap(dataKey, context)).rejects.toMatchObject(away);
  writeFileSync(file, 'token-1\n');
  await agent.wrap(dataKey, context);
  server.token = 'token-2';
  await expect(agent.wrap(dataKey, context)).rejects.toMatchObject(refused);
  writeFileSync(file, 'token-2\n');
  await agent.wrap(dataKey, context);
  expect(server.requests.at(-1)?.headers['x-vault-namespace']).toBe('team');
  rmSync(folder, { recursive: true });
});
