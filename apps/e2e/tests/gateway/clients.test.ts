import { ask, type Answer } from './client';
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
