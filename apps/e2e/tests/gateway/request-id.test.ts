import { ask, secureSocket, sendRaw, values } from './client';
import { setStage, type Stage } from './stage';

let stage: Stage;

beforeAll(async () => {
  stage = await setStage({ timeouts: { answerMs: 300 }, corsOrigins: ['https://app.example.com'] });
});

afterAll(() => stage.close());

const wellFormed = /^[A-Za-z0-9._-]{8,64}$/;

/** What the service was told and what the client was told. */
async function ids(given: string[]) {
  const headers = given.flatMap((id) => ['X-Request-Id', id]);
  const answer = await ask(stage, '/api/v1/posts', { headers: ['Host', 'localhost', ...headers] });
  return {
    service: values({ rawHeaders: answer.json.rawHeaders as string[] }, 'x-request-id'),
    client: values(answer, 'x-request-id'),
  };
}

describe('the request id of a client', () => {
  it.each([
    ['8 characters', 'abcd1234'],
    ['64 characters', 'A1._-'.padEnd(64, 'z')],
    ['a UUID', '0198f0c4-7a2e-7b1c-9d3e-5f6a7b8c9d0e'],
  ])('is kept when well-formed: %s', async (_what, id) => {
    expect(await ids([id])).toEqual({ service: [id], client: [id] });
  });

  it.each([
    ['too short', 'abcd123'],
    ['too long', 'a'.repeat(65)],
    ['huge', 'a'.repeat(20_000)],
    ['empty', ''],
    ['spaces', 'abcd 1234 efgh'],
    ['markup', '<script>alert(1)</script>'],
    ['a log line', 'abcd1234","level":"error'],
    ['a format string', '%s%n${jndi:ldap://x}'],
    ['Latin-1', 'abcd1234é'],
    ['a list', 'abcd1234,efgh5678'],
    ['a path', '../../etc/passwd'],
  ])('is replaced when hostile: %s', async (_what, id) => {
    const { service, client } = await ids([id]);

    expect(service).toEqual([expect.stringMatching(wellFormed)]);
    expect(service).not.toEqual([id]);
    expect(client).toEqual(service);
  });

  it('is replaced by a single one when it comes more than once', async () => {
    const { service, client } = await ids(['abcd1234', 'efgh5678', 'abcd1234']);

    expect(service).toEqual([expect.stringMatching(wellFormed)]);
    expect(client).toEqual(service);
  });

  it('cannot be smuggled in under another spelling', async () => {
    const { json } = await ask(stage, '/api/v1/posts', {
      headers: { X_Request_Id: 'underscore-1', Connection: 'X-Request-Id', 'x-request-id': 'dashes-not-1' },
    });
    const headers = json.headers as Record<string, string>;

    expect(headers.x_request_id).toBeUndefined();
    expect(headers['x-request-id']).toMatch(wellFormed);
  });

  it('is made when missing, another one each time', async () => {
    const made = await Promise.all(Array.from({ length: 50 }, async () => (await ids([])).client[0]));

    expect(new Set(made).size).toBe(50);
    expect(made.every((id) => wellFormed.test(id ?? ''))).toBe(true);
  });
});

describe('an answer of the gateway itself', () => {
  const headers = { 'X-Request-Id': 'gateway-answer-1' };

  it.each([
    ['404', '/nowhere', 'GATEWAY_ROUTE_NOT_FOUND'],
    ['400', '/api/v1/posts/a%2Fb', 'GATEWAY_PATH_REFUSED'],
    ['504', '/api/v1/realtime/slow?do=hang', 'GATEWAY_TIMEOUT'],
  ])('%s is a problem document with the id', async (status, target, code) => {
    const answer = await ask(stage, target, { headers });

    expect(values(answer, 'x-request-id')).toEqual(['gateway-answer-1']);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.json).toMatchObject({
      status: Number(status),
      code,
      requestId: 'gateway-answer-1',
      instance: target.split('?')[0],
      type: `urn:rostrum:problem:${code.toLowerCase().replaceAll('_', '-')}`,
    });
  });

  it('has the id on a redirect and on a CORS preflight too', async () => {
    const redirect = await ask(stage, '/x', { plain: true, headers });
    const preflight = await ask(stage, '/api/v1/posts', {
      method: 'OPTIONS',
      headers: { ...headers, Origin: 'https://app.example.com', 'Access-Control-Request-Method': 'POST' },
    });

    expect(values(redirect, 'x-request-id')).toEqual(['gateway-answer-1']);
    expect(values(preflight, 'x-request-id')).toEqual(['gateway-answer-1']);
  });

  it('has no body for HEAD', async () => {
    const answer = await ask(stage, '/nowhere', { method: 'HEAD', headers });

    expect([answer.status, answer.text]).toEqual([404, '']);
    expect(values(answer, 'x-request-id')).toEqual(['gateway-answer-1']);
  });
});

describe('an answer of a service', () => {
  it.each([
    ['plain-502', 502, 'Bad Gateway'],
    ['bare-503', 503, 'Service Unavailable'],
    ['problem', 503, '{"code":"ITS_OWN"}'],
  ])('passes as it is, also an error that looks like the gateway’s: %s', async (behaviour, status, text) => {
    const answer = await ask(stage, `/api/v1/posts?do=${behaviour}`);

    expect([answer.status, answer.text]).toEqual([status, text]);
    expect(values(answer, 'x-request-id')).toHaveLength(1);
  });

  it('passes without a body where it has none', async () => {
    const answer = await ask(stage, '/api/v1/posts/1?do=not-modified', {
      headers: { 'If-None-Match': '"v1"' },
    });

    expect([answer.status, answer.headers.etag, answer.text]).toEqual([304, '"v1"', '']);
  });

  it('streams: its first part arrives while the second is not yet there', async () => {
    const request =
      'GET /api/v1/posts?do=stream HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n';
    const socket = await secureSocket(stage);
    socket.write(request);
    let received = '';
    for await (const chunk of socket) {
      received += String(chunk);
      if (received.includes('data: first')) break;
    }

    expect(received).toContain('text/event-stream');
  });

  it('that breaks off in the middle breaks off for the client too', async () => {
    await expect(ask(stage, '/api/v1/posts?do=abort')).rejects.toThrow(/aborted|hang up/);
    expect(
      await sendRaw(stage, 'GET /api/v1/posts HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'),
    ).toMatch(/ 200 OK/);
  });
});
