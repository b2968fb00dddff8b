import { createDecipheriv, createECDH, createPublicKey, hkdfSync, randomBytes, verify } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedPush {
  path: string;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
}

/** Stands in for a browser vendor's service: keeps what it is sent, and answers as it is told. */
export class PushService {
  readonly received: ReceivedPush[] = [];
  /** What it answers to a path. */
  answer: (path: string) => { status: number; headers?: Record<string, string> } = () => ({ status: 201 });

  private constructor(private readonly server: http.Server) {
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { url: path = '', headers } = request;
        const { status, headers: more } = this.answer(path);
        this.received.push({ path, headers, body: Buffer.concat(chunks) });
        response.writeHead(status, more).end();
      });
    });
  }

  static async open(): Promise<PushService> {
    const server = http.createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new PushService(server);
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  to(browser: Browser): ReceivedPush[] {
    return this.received.filter(({ path }) => path === browser.path);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** A browser with a subscription, which alone can read what is sent to it. */
export class Browser {
  readonly path = `/push/${randomBytes(12).toString('hex')}`;
  private readonly pair = createECDH('prime256v1');
  private readonly auth = randomBytes(16);

  constructor(private readonly origin: string) {
    this.pair.generateKeys();
  }

  /** What `PushSubscription.toJSON()` gives. */
  get subscription() {
    const keys = { p256dh: this.pair.getPublicKey('base64url'), auth: this.auth.toString('base64url') };
    return { endpoint: this.origin + this.path, expirationTime: null, keys };
  }

  /** RFC 8291 on RFC 8188, as a browser does it. */
  read({ headers, body }: ReceivedPush): unknown {
    if (headers['content-encoding'] !== 'aes128gcm') throw new Error('Not aes128gcm');
    const [salt, idLength] = [body.subarray(0, 16), body.readUInt8(20)];
    const senderKey = body.subarray(21, 21 + idLength);
    const cipherText = body.subarray(21 + idLength);
    const info = Buffer.concat([Buffer.from('WebPush: info\0'), this.pair.getPublicKey(), senderKey]);
    const shared = this.pair.computeSecret(senderKey);
    const key = Buffer.from(hkdfSync('sha256', shared, this.auth, info, 32));
    const derive = (name: string, length: number) =>
      Buffer.from(hkdfSync('sha256', key, salt, `Content-Encoding: ${name}\0`, length));
    const decipher = createDecipheriv('aes-128-gcm', derive('aes128gcm', 16), derive('nonce', 12));
    decipher.setAuthTag(cipherText.subarray(-16));
    const padded = Buffer.concat([decipher.update(cipherText.subarray(0, -16)), decipher.final()]);
    return JSON.parse(padded.subarray(0, padded.lastIndexOf(2)).toString());
  }
}

/** Whether a push was signed with the key that browsers were told, and for whom. */
export function vapidClaims({ headers }: ReceivedPush, publicKey: string): Record<string, unknown> {
  const [, token = '', key = ''] = /^vapid t=([^,]+), ?k=(.+)$/.exec(headers.authorization ?? '') ?? [];
  if (key !== publicKey) throw new Error('Signed with another key');
  const [head = '', claims = '', signature = ''] = token.split('.');
  const point = Buffer.from(publicKey, 'base64url');
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => part.toString('base64url'));
  const jwk = { kty: 'EC', crv: 'P-256', x, y } as { kty: string; crv: string; x: string; y: string };
  const good = verify(
    'sha256',
    Buffer.from(`${head}.${claims}`),
    { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' },
    Buffer.from(signature, 'base64url'),
  );
  if (!good) throw new Error('The signature is wrong');
  return JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, unknown>;
}
