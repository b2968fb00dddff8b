import http2 from 'node:http2';
import type { ConnectionOptions } from 'node:tls';
import { ask, secureSocket } from './client';
import { setStage, type Stage } from './stage';

let stage: Stage;

beforeAll(async () => {
  stage = await setStage();
});

afterAll(() => stage.close());

/** What a handshake with these options agrees on, or the alert that refuses it. */
async function handshake(options: ConnectionOptions): Promise<string> {
  try {
    const socket = await secureSocket(stage, options);
    const agreed = `${String(socket.getProtocol())} ${socket.alpnProtocol || 'no protocol'}`;
    socket.destroy();
    return agreed;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

const only = (version: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3') => ({
  minVersion: version,
  maxVersion: version,
});
// Node's own OpenSSL refuses to speak the old versions and ciphers unless it is told to.
const lax = (ciphers: string) => `${ciphers}:@SECLEVEL=0`;

describe('TLS', () => {
  it.each([
    ['1.3', { ...only('TLSv1.3'), ALPNProtocols: ['h2', 'http/1.1'] }, 'TLSv1.3 h2'],
    ['1.2', { ...only('TLSv1.2'), ALPNProtocols: ['h2', 'http/1.1'] }, 'TLSv1.2 h2'],
    ['1.3 for HTTP/1.1', { ...only('TLSv1.3'), ALPNProtocols: ['http/1.1'] }, 'TLSv1.3 http/1.1'],
  ])('%s is spoken', async (_what, options, agreed) => {
    expect(await handshake(options)).toBe(agreed);
  });

  it.each([
    ['1.1', { ...only('TLSv1.1'), ciphers: lax('ALL') }, 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'],
    ['1.0', { ...only('TLSv1'), ciphers: lax('ALL') }, 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'],
    [
      '1.2 with CBC',
      { ...only('TLSv1.2'), ciphers: lax('ECDHE-ECDSA-AES128-SHA') },
      'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE',
    ],
    [
      '1.2 without forward secrecy',
      { ...only('TLSv1.2'), ciphers: lax('AES128-GCM-SHA256') },
      'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE',
    ],
    [
      'with an unknown protocol',
      { ALPNProtocols: ['acme-tls/1'] },
      'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
    ],
  ])('%s is refused', async (_what, options, code) => {
    expect(await handshake(options)).toBe(code);
  });

  it('shows the certificate that was passed in, to any name', async () => {
    const socket = await secureSocket(stage, {
      servername: 'other.example.com',
      checkServerIdentity: () => undefined,
    });

    expect(socket.getPeerCertificate().subject.CN).toBe('localhost');
    socket.destroy();
  });

  it('carries HTTP/2', async () => {
    const session = http2.connect(stage.gateway.url, { ca: stage.certificate });
    const stream = session.request({ ':path': '/api/v1/posts/1' });
    const headers = await new Promise<Record<string, unknown>>((resolve) => stream.once('response', resolve));
    const body = (await stream.toArray()).join('');
    session.close();

    expect(headers[':status']).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ url: '/api/v1/posts/1' });
  });
});

describe('strict transport security', () => {
  it.each(['/api/v1/posts', '/api/v1/posts?do=hsts', '/nowhere', '/api/v1/posts/a%2fb'])(
    'is on %s, once',
    async (target) => {
      const { headers } = await ask(stage, target);

      expect(headers['strict-transport-security']).toBe('max-age=31536000; includeSubDomains');
    },
  );
});

describe('plain HTTP', () => {
  it.each(['GET', 'HEAD', 'POST', 'DELETE'])(
    'is redirected for good with its method kept: %s',
    async (method) => {
      const { status, headers } = await ask(stage, '/a/b%20c?d=e&f=%2Fg', { plain: true, method });

      expect(status).toBe(308);
      expect(headers.location).toBe(`${stage.gateway.url}/a/b%20c?d=e&f=%2Fg`);
      expect(headers['strict-transport-security']).toBeUndefined();
    },
  );

  it.each([
    ['/', '/'],
    ['//evil.example.com/x', '/evil.example.com/x'],
    ['/api/v1/posts/../../metrics', '/api/metrics'],
  ])('%s leads to this host’s %s', async (target, location) => {
    expect((await ask(stage, target, { plain: true })).headers.location).toBe(stage.gateway.url + location);
  });

  it('never reaches a service', async () => {
    await ask(stage, '/api/v1/auth/login', { plain: true, method: 'POST', body: '{"password":"x"}' });

    expect(
      [stage.auth, stage.posts, stage.realtime]
        .flat()
        .flatMap(({ seen }) => seen)
        .filter(({ url }) => url.includes('auth')),
    ).toEqual([]);
  });
});
