import { rawRequest } from './raw-request';
import { readyText, startTestService, type TestService } from './test-service';

let running: TestService;

beforeAll(async () => {
  running = await startTestService();
});
afterAll(() => running.service.stop('the tests are over'));

const json = { 'content-type': 'application/json' };
const ask = (path: string, init: RequestInit = {}) => fetch(running.url + path, init);
const authorized = async () => ({ authorization: `Bearer ${await running.token()}` });

interface ProblemBody {
  code: string;
  status: number;
  requestId: string;
  errors?: { in: string; path: string; code: string }[];
}

async function problemOf(response: Response): Promise<ProblemBody> {
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  const body = (await response.json()) as ProblemBody;
  expect(body.status).toBe(response.status);
  expect(body.requestId).toBe(response.headers.get('x-request-id'));
  expect(JSON.stringify(body)).not.toMatch(/hunter2|select|ECONNREFUSED|at .*\.ts/);
  return body;
}

describe('a good request', () => {
  it('is answered with what the contract says and every header there must be', async () => {
    const response = await ask('/api/v1/items/abc', { headers: await authorized() });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ id: 'abc', text: 'hello' });
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'x-xss-protection': '1; mode=block',
      'strict-transport-security': 'max-age=63072000; includeSubDomains; preload',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
      'referrer-policy': 'no-referrer',
    });
    expect(response.headers.get('x-powered-by')).toBeNull();
  });

  it('may carry a body', async () => {
    const response = await ask('/api/v1/items', { method: 'POST', headers: json, body: '{"text":"héllo"}' });
    expect(response.status).toBe(201);
    expect(response.headers.get('location')).toBe('/api/v1/items/a');
    expect(await response.json()).toEqual({ id: 'a', text: 'héllo' });
  });

  it.each([1, 20, 5_000])('is answered with ready bytes as they are (%i times the text)', async (times) => {
    const response = await ask(`/api/v1/ready-items?times=${times}`);
    expect(await response.json()).toEqual({ id: 'a', text: readyText.repeat(times) });
  });

  it('is answered the same to HEAD, without a body', async () => {
    const response = await ask('/api/v1/items/abc', { method: 'HEAD', headers: await authorized() });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-length')).toBe('27');
    expect(await response.text()).toBe('');
  });
});

describe('a request id', () => {
  it('is kept where it is well-formed', async () => {
    const response = await ask('/healthz', { headers: { 'x-request-id': 'abc.DEF_123-x' } });
    expect(response.headers.get('x-request-id')).toBe('abc.DEF_123-x');
  });

  it.each(['short', 'a'.repeat(65), 'has space in it', '"><script>', 'name=value;drop'])(
    '%j is replaced',
    async (id) => {
      const response = await ask('/healthz', { headers: { 'x-request-id': id } });
      expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    },
  );
});

describe('a bad request is a clear 4xx problem', () => {
  const post = (body: string | Buffer, headers: Record<string, string> = json) =>
    ask('/api/v1/items', { method: 'POST', headers, body });

  it.each<[string, string | Buffer, number, string]>([
    ['cut off', '{"text":', 400, 'MALFORMED_JSON'],
    ['not JSON', 'hello', 400, 'MALFORMED_JSON'],
    ['empty', '', 400, 'BODY_REQUIRED'],
    ['not an object', '"text"', 400, 'MALFORMED_JSON'],
    ['an array', '[]', 400, 'VALIDATION_FAILED'],
    ['null', 'null', 400, 'MALFORMED_JSON'],
    ['of a wrong type', '{"text":7}', 400, 'VALIDATION_FAILED'],
    ['with an unknown field', '{"text":"a","role":"admin"}', 400, 'VALIDATION_FAILED'],
    ['with a prototype in it', '{"text":"a","__proto__":{"admin":true}}', 400, 'VALIDATION_FAILED'],
    ['too large for the route', JSON.stringify({ text: 'a'.repeat(2000) }), 413, 'PAYLOAD_TOO_LARGE'],
    ['not UTF-8', Buffer.from('{"text":"\xff\xfe"}', 'latin1'), 400, 'MALFORMED_JSON'],
    ['an overlong encoding', Buffer.from('{"text":"\xc0\x80"}', 'latin1'), 400, 'MALFORMED_JSON'],
    ['nested ten thousand deep', `{"text":${'['.repeat(400)}${']'.repeat(400)}}`, 400, 'VALIDATION_FAILED'],
  ])('a body that is %s', async (_, body, status, code) => {
    const response = await post(body);
    expect(response.status).toBe(status);
    expect((await problemOf(response)).code).toBe(code);
  });

  it('names each field that is wrong', async () => {
    const { errors } = await problemOf(await post('{"text":7,"a/b":1}'));
    expect(errors).toEqual([
      { in: 'body', path: '/text', code: 'invalid_type', message: expect.any(String) },
      { in: 'body', path: '/a~1b', code: 'unrecognized_key', message: 'There is no such field' },
    ]);
  });

  it.each([
    'text/plain',
    'application/xml',
    'application/json; charset=utf-16',
    'application/json; charset=latin1',
  ])('a body typed %s', async (type) => {
    const response = await post('{"text":"a"}', { 'content-type': type });
    expect([400, 415]).toContain(response.status);
    await problemOf(response);
  });

  it('a compressed body that is not, or that blows up', async () => {
    const { gzipSync } = await import('node:zlib');
    const broken = await post('not gzip', { ...json, 'content-encoding': 'gzip' });
    expect(broken.status).toBe(400);
    await problemOf(broken);
    const bomb = await post(gzipSync(Buffer.alloc(5_000_000, 0x20)), { ...json, 'content-encoding': 'gzip' });
    expect(bomb.status).toBe(413);
    await problemOf(bomb);
  });

  it('11 MB where 10 are allowed', async () => {
    const body = JSON.stringify({ data: 'a'.repeat(11_000_000) });
    const response = await ask('/api/v1/upload', { method: 'PUT', headers: json, body });
    expect(response.status).toBe(413);
    expect((await problemOf(response)).code).toBe('PAYLOAD_TOO_LARGE');
  });

  it('a parameter or a query that the contract does not know', async () => {
    const headers = await authorized();
    for (const path of [
      '/api/v1/items/ABC',
      '/api/v1/items/abc?limit=x',
      '/api/v1/items/abc?limit=1&limit=2',
      '/api/v1/items/abc?a=b',
    ]) {
      expect((await problemOf(await ask(path, { headers }))).code).toBe('VALIDATION_FAILED');
    }
  });

  it('a URL that cannot be decoded', async () => {
    const response = await ask('/api/v1/items/%E0%A4%A', { headers: await authorized() });
    expect(response.status).toBe(400);
    expect((await problemOf(response)).code).toBe('MALFORMED_URL');
  });

  it('an unknown route, also one that differs in case', async () => {
    for (const path of ['/nowhere', '/api/v1/Items/abc', '/metrics', '/admin/log-level', '/healthz/ready']) {
      expect((await problemOf(await ask(path))).code).toBe('ROUTE_NOT_FOUND');
    }
  });

  it('a method that the route does not have', async () => {
    const response = await ask('/api/v1/items/abc', { method: 'DELETE' });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET');
    await problemOf(response);
  });

  it.each([undefined, 'Basic abc', 'Bearer', 'Bearer ', 'Bearer a.b.c', 'bearer x'])(
    'authorization %j',
    async (authorization) => {
      const response = await ask('/api/v1/items/abc', {
        headers: authorization === undefined ? {} : { authorization },
      });
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toContain('Bearer');
      expect((await problemOf(response)).code).toBe('UNAUTHORIZED');
    },
  );
});

describe('what is not even HTTP is answered and forgotten', () => {
  it.each([
    [
      '100 kB of headers',
      `GET /healthz HTTP/1.1\r\nHost: a\r\nX-A: ${'a'.repeat(100_000)}\r\n\r\n`,
      '431',
      'HEADERS_TOO_LARGE',
    ],
    ['garbage', '\u0000\u0001\u0002\r\n\r\n', '400', 'MALFORMED_REQUEST'],
    [
      'two lengths',
      'POST /api/v1/items HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      '400',
      'MALFORMED_REQUEST',
    ],
    ['an unknown method', 'STEAL /healthz HTTP/1.1\r\nHost: a\r\n\r\n', '400', 'MALFORMED_REQUEST'],
  ])('%s', async (_, bytes, status, code) => {
    const answer = await rawRequest(running.port, bytes);
    expect(answer).toContain(`HTTP/1.1 ${status}`);
    expect(answer).toContain('application/problem+json');
    expect(answer).toContain(code);
    expect((await ask('/healthz')).status).toBe(200);
  });
});

describe('a handler that fails', () => {
  it.each(['sync', 'async', 'string'])(
    'is a 500 that tells nothing (%s), and the process lives',
    async (how) => {
      const response = await ask(`/api/v1/fail/${how}`);
      expect(response.status).toBe(500);
      expect((await problemOf(response)).code).toBe('INTERNAL_ERROR');
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    },
  );

  it('with a response that breaks its contract is found out in tests', async () => {
    expect((await problemOf(await ask('/api/v1/fail/contract'))).code).toBe('RESPONSE_CONTRACT_BROKEN');
  });

  it('for want of a dependency says when to come again', async () => {
    const response = await ask('/api/v1/fail/unavailable');
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('3');
    expect((await problemOf(response)).code).toBe('POSTGRES_UNAVAILABLE');
  });
});

it('X-Forwarded-For is believed from trusted proxies only', async () => {
  await expect(startTestService({}, { TRUSTED_PROXIES: 'true' })).rejects.toThrow('never "true"');
});
