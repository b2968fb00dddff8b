import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { waitFor } from '@rostrum/testing';
import { WebSocket } from 'ws';
import { ask, sendRaw, values, type Answer } from './client';
import { setStage, type Stage } from './stage';

const origin = 'https://app.example.com';

/** What reached the service. */
function received({ json }: Answer): Record<string, string> {
  return json.headers as Record<string, string>;
}

describe('cross-origin requests', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await setStage({ corsOrigins: [origin, 'http://localhost:3000'] });
  });

  afterAll(() => stage.close());

  it('of a configured origin may read the answer and its headers', async () => {
    const { headers } = await ask(stage, '/api/v1/posts', { headers: { Origin: origin } });
    const exposed = String(headers['access-control-expose-headers']).toLowerCase().split(',');

    expect(headers['access-control-allow-origin']).toBe(origin);
    expect(headers['access-control-allow-credentials']).toBe('true');
    expect(headers.vary).toContain('Origin');
    expect(exposed).toEqual(
      expect.arrayContaining([
        ...[
          'x-request-id',
          'etag',
          'idempotency-replayed',
          'link',
          'location',
          'retry-after',
          'ratelimit',
          'ratelimit-policy',
        ],
        ...['x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset'],
      ]),
    );
  });

  it('are answered at the gateway when they only ask', async () => {
    const before = stage.posts.flatMap(({ seen }) => seen).length;
    const { status, headers } = await ask(stage, '/api/v1/posts/1', {
      method: 'OPTIONS',
      headers: {
        Origin: 'http://localhost:3000',
        'Access-Control-Request-Method': 'PUT',
        'Access-Control-Request-Headers': 'authorization,if-match',
      },
    });

    expect(status).toBe(200);
    expect(headers['access-control-allow-origin']).toBe('http://localhost:3000');
    expect(headers['access-control-allow-methods']).toContain('PUT');
    expect(String(headers['access-control-allow-headers']).toLowerCase()).toMatch(/authorization.*if-match/);
    expect(stage.posts.flatMap(({ seen }) => seen)).toHaveLength(before);
  });

  it.each(['https://evil.example.com', 'https://app.example.com.evil.com', 'null', 'http://app.example.com'])(
    'of %s may not',
    async (other) => {
      const simple = await ask(stage, '/api/v1/posts', { headers: { Origin: other } });
      const preflight = await ask(stage, '/api/v1/posts', {
        method: 'OPTIONS',
        headers: { Origin: other, 'Access-Control-Request-Method': 'POST' },
      });

      expect(simple.headers['access-control-allow-origin']).toBeUndefined();
      expect(preflight.headers['access-control-allow-origin']).toBeUndefined();
    },
  );

  it('may read the gateway’s own errors', async () => {
    const { headers } = await ask(stage, '/nowhere', { headers: { Origin: origin } });

    expect(headers['access-control-allow-origin']).toBe(origin);
  });
});

describe('who the client is', () => {
  const spoofed = {
    'X-Forwarded-For': '6.6.6.6, 7.7.7.7',
    X_Forwarded_For: '6.6.6.6',
    'X-Real-Ip': '6.6.6.6',
    'X-Forwarded-Host': 'evil.example.com',
    'X-Forwarded-Proto': 'http',
    'X-Forwarded-Prefix': '/evil',
    'X-Forwarded-Uri': '/evil',
    'X-Original-Url': '/evil',
    Forwarded: 'for=6.6.6.6;host=evil.example.com',
    Proxy: 'http://evil.example.com',
  };

  it('is not what a client says', async () => {
    const stage = await setStage();
    const headers = received(
      await ask(stage, '/api/v1/posts', { headers: { ...spoofed, Host: 'api.example.com' } }),
    );
    await stage.close();

    expect(headers).toMatchObject({
      'x-forwarded-for': '127.0.0.1',
      'x-real-ip': '127.0.0.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'api.example.com',
      host: 'api.example.com',
    });
    expect(JSON.stringify(headers)).not.toMatch(/6\.6\.6\.6|evil/);
  });

  it('is what a trusted proxy says, with the proxy behind it', async () => {
    const stage = await setStage({ trustedProxies: ['127.0.0.1/32'] });
    const headers = received(
      await ask(stage, '/api/v1/posts', { headers: { 'X-Forwarded-For': '203.0.113.7' } }),
    );
    await stage.close();

    expect(headers['x-forwarded-for']).toBe('203.0.113.7, 127.0.0.1');
  });

  it('does not decide which headers live for one hop only', async () => {
    const stage = await setStage();
    const answer = await ask(stage, '/api/v1/posts', {
      headers: {
        Connection: 'keep-alive, X-Forwarded-For, X-Secret-Hop',
        'X-Secret-Hop': '1',
        TE: 'gzip',
        'Keep-Alive': '5',
      },
    });
    await stage.close();

    expect(received(answer)['x-forwarded-for']).toBe('127.0.0.1');
    expect(received(answer)).not.toHaveProperty('x-secret-hop');
    expect(received(answer)).not.toHaveProperty('te');
    expect(received(answer)).not.toHaveProperty('keep-alive');
  });
});

describe('too much', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await setStage({
      limits: { ratePerSecond: 20, rateBurst: 60, inFlight: 2, sockets: 2 },
      corsOrigins: [origin],
      timeouts: { readMs: 700 },
    });
  });

  afterAll(() => stage.close());

  it.each([
    ['30 kB in one', { 'X-Large': 'x'.repeat(30_000) }],
    ['100 kB in one', { 'X-Large': 'x'.repeat(100_000) }],
    [
      '100 kB in many',
      Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`X-${n}`, 'x'.repeat(1000)])),
    ],
  ])('of headers is the 431 of the service’s parser: %s', async (_what, headers) => {
    const before = stage.posts.flatMap(({ seen }) => seen).length;
    const { status, json } = await ask(stage, '/api/v1/posts', { headers });

    expect([status, json.code]).toEqual([431, 'ITS_OWN']);
    expect(stage.posts.flatMap(({ seen }) => seen)).toHaveLength(before);
  });

  it('of headers is a 431 at the gateway itself beyond 132 kB', async () => {
    const { status } = await ask(stage, '/api/v1/posts', { headers: { 'X-Large': 'x'.repeat(140_000) } });

    expect(status).toBe(431);
  });

  it('announced of a body is a 413 that the client can read, and no service is asked', async () => {
    const before = stage.posts.flatMap(({ seen }) => seen).length;
    const largest = Buffer.alloc(10 * 1024 * 1024, 'x');
    const fits = await ask(stage, '/api/v1/posts?do=cookies', { method: 'POST', body: largest });
    const answer = await ask(stage, '/api/v1/posts', {
      method: 'POST',
      body: Buffer.alloc(largest.length + 1, 'x'),
    });

    expect(fits.status).toBe(200);
    expect(answer.status).toBe(413);
    expect(answer.json).toMatchObject({ code: 'GATEWAY_BODY_TOO_LARGE', status: 413 });
    expect(stage.posts.flatMap(({ seen }) => seen)).toHaveLength(before + 1);
  });

  it('of a body for a service is that service’s own answer, also when it refuses without reading on', async () => {
    const body = Buffer.alloc(9_000_000, 'x');
    const { status, json } = await ask(stage, '/api/v1/posts?do=refuse', { method: 'POST', body });

    expect([status, json.code]).toEqual([413, 'ITS_OWN']);
  });

  it('at once from one address is a 429, but WebSockets are counted apart', async () => {
    const hanging = [1, 2].map((id) => ask(stage, `/api/v1/posts/${id}?do=hang`).catch(() => undefined));
    await waitFor(
      () => stage.posts.flatMap(({ seen }) => seen).filter(({ url }) => url.includes('hang')).length === 2,
    );
    const third = await ask(stage, '/api/v1/posts', { headers: { Origin: origin } });
    const other = await ask(stage, '/api/v1/auth/me');
    const sockets = await Promise.all([open(stage), open(stage)]);
    const refused = await open(stage).catch((error: Error) => error.message);
    sockets.forEach((socket) => socket.terminate());

    expect(third.status).toBe(429);
    expect(third.json).toMatchObject({
      code: 'GATEWAY_TOO_MANY_REQUESTS',
      requestId: third.headers['x-request-id'],
    });
    expect(third.headers['access-control-allow-origin']).toBe(origin);
    expect(other.status).toBe(200);
    expect(refused).toContain('429');
    await Promise.all([...stage.posts.map((backend) => backend.kill()), ...hanging]);
    await Promise.all(stage.posts.map((backend) => backend.revive()));
  });

  it('in a second from one address is a 429 that says when to come back', async () => {
    const answers = await Promise.all(Array.from({ length: 120 }, () => ask(stage, '/nowhere')));
    const limited = answers.filter(({ status }) => status === 429);

    expect(answers.length - limited.length).toBeGreaterThanOrEqual(40);
    expect(limited.length).toBeGreaterThan(20);
    expect(limited[0]?.json).toMatchObject({ code: 'GATEWAY_TOO_MANY_REQUESTS', title: 'Too Many Requests' });
    expect(Number(limited[0]?.headers['retry-after'])).toBeGreaterThanOrEqual(1);
  });

  it('time over a request ends it, head or body', async () => {
    const start = performance.now();
    const head = sendRaw(stage, 'GET /api/v1/posts HTTP/1.1\r\nHost: x\r\nX-Slow: ');
    const body = sendRaw(stage, 'POST /api/v1/posts HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nslow');
    await Promise.all([head, body]);

    expect(performance.now() - start).toBeLessThan(5000);
    expect(await body).not.toMatch(/ 200 /);
  });

  it('time over an idle WebSocket does not', async () => {
    const socket = await waitFor(() => open(stage));
    const opened = performance.now();
    await waitFor(() => performance.now() - opened > 2000);
    const echoed = new Promise((resolve) => socket.once('message', (data) => resolve(String(data))));
    socket.send('still here');

    expect(await echoed).toBe('echo still here');
    socket.terminate();
  });
});

async function open(stage: Stage): Promise<WebSocket> {
  const socket = new WebSocket(`${stage.gateway.url.replace('https', 'wss')}/ws`, { ca: stage.certificate });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  return socket;
}

describe('compression', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await setStage();
  });

  afterAll(() => stage.close());

  const decoders: Record<string, (body: Buffer) => Buffer> = { gzip: gunzipSync, br: brotliDecompressSync };

  it.each(['gzip', 'br'])('is there for large JSON, in %s', async (encoding) => {
    const answer = await ask(stage, '/api/v1/posts?do=large', { headers: { 'Accept-Encoding': encoding } });
    const plain = await ask(stage, '/api/v1/posts?do=large');

    expect(answer.headers['content-encoding']).toBe(encoding);
    expect(answer.headers.vary).toContain('Accept-Encoding');
    expect(answer.body.length).toBeLessThan(plain.body.length / 5);
    expect(decoders[encoding]?.(answer.body)).toEqual(plain.body);
    expect(plain.headers['content-encoding']).toBeUndefined();
  });

  it.each([
    ['small answers', '/api/v1/posts?do=cookies'],
    ['answers that hold tokens', '/api/v1/auth/login?do=large'],
  ])('is not there for %s', async (_what, target) => {
    const { headers, status } = await ask(stage, target, { headers: { 'Accept-Encoding': 'gzip, br' } });

    expect([status, headers['content-encoding']]).toEqual([200, undefined]);
  });

  it('leaves several cookies apart', async () => {
    const answer = await ask(stage, '/api/v1/posts?do=cookies', { headers: { 'Accept-Encoding': 'gzip' } });

    expect(values(answer, 'set-cookie')).toEqual(['session=canary-set-cookie; Secure', 'csrf=1']);
  });
});
