import { AsyncLocalStorage } from 'node:async_hooks';
import { gzipSync } from 'node:zlib';
import { waitFor } from '@rostrum/testing';
import { createHttpClient, type Breaker, type HttpClient, type HttpClientOptions } from '../src';
import { answers, FaultyServer } from './faulty-server';

let server: FaultyServer;
const clients: HttpClient[] = [];
const servers: FaultyServer[] = [];

beforeEach(async () => {
  server = await startServer();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await Promise.all(servers.splice(0).map((each) => each.close()));
});

async function startServer(): Promise<FaultyServer> {
  const started = await FaultyServer.start();
  servers.push(started);
  return started;
}

/** Limits far above what anything takes here, but where a test is about them. */
function open(options: Partial<HttpClientOptions> = {}): HttpClient {
  const limits = { timeoutMs: 20_000, attemptTimeoutMs: 10_000 };
  const client = createHttpClient({ name: 'partner', ...limits, ...options });
  clients.push(client);
  return client;
}

const unavailable = { code: 'PARTNER_UNAVAILABLE', status: 503 };
const useless = { code: 'PARTNER_BAD_RESPONSE', status: 502 };

describe('a call', () => {
  it('sends what it is given and gives what is answered', async () => {
    server.plan((_request, response) =>
      response.writeHead(201, { 'content-type': 'application/json', 'x-kind': 'made' }).end('{"a":1}'),
    );
    const answer = await open({ headers: () => ({ traceparent: '00-aa-bb-01' }) }).request(
      `${server.origin}/things?x=1`,
      { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"b":2}' },
    );
    expect([answer.status, answer.headers.get('x-kind'), answer.json()]).toEqual([201, 'made', { a: 1 }]);
    expect(server.requests).toMatchObject([
      {
        method: 'POST',
        path: '/things?x=1',
        headers: { traceparent: '00-aa-bb-01', 'content-type': 'application/json' },
        body: '{"b":2}',
      },
    ]);
  });

  it.each([400, 404, 409, 422])('that is a mistake of ours is answered with %i, once', async (status) => {
    const client = open({ breaker: { failures: 1 } });
    server.handler = answers.status(status);
    for (let i = 0; i < 3; i += 1) expect((await client.request(server.origin)).status).toBe(status);
    expect(server.requests).toHaveLength(3);
  });

  it.each([
    ['a 503', answers.status(503)],
    ['a 429', answers.status(429)],
    ['a reset', answers.reset()],
  ])('that may happen twice is made again after %s', async (_what, fault) => {
    const onRetry = jest.fn();
    server.plan(fault, fault);
    const answer = await open({ hooks: { onRetry } }).request(server.origin);
    expect(answer.text()).toBe('fine');
    expect(onRetry).toHaveBeenCalledTimes(2);
  });

  it('that must not happen twice is not, unless it carries an idempotency key', async () => {
    const client = open();
    server.plan(answers.status(503));
    await expect(client.request(server.origin, { method: 'POST' })).rejects.toMatchObject(unavailable);
    server.plan(answers.status(503));
    const headers = { 'Idempotency-Key': 'once' };
    expect((await client.request(server.origin, { method: 'POST', headers })).status).toBe(200);
    expect(server.requests).toHaveLength(3);
  });

  it('waits as long as it is asked to, where there is time for that', async () => {
    const onRetry = jest.fn();
    const client = open({ hooks: { onRetry } });
    server.plan(answers.status(503, { 'retry-after': '1' }));
    expect((await client.request(server.origin)).status).toBe(200);
    expect(onRetry).toHaveBeenCalledWith({ name: expect.any(String), attempt: 1, delayMs: 1_000 });
    server.plan(answers.status(429, { 'retry-after': new Date(Date.now() + 60_000).toUTCString() }));
    const refused = await client.request(server.origin).catch((error: unknown) => error);
    expect(refused).toMatchObject(unavailable);
    expect((refused as { retryAfterSeconds: number }).retryAfterSeconds).toBeGreaterThan(50);
    expect(server.requests).toHaveLength(3);
  });

  it.each([
    ['never answers', answers.silence()],
    ['never ends its answer', answers.half()],
  ])('is given up when the other side %s, and tried again', async (_what, fault) => {
    server.plan(fault);
    const answer = await open({ attemptTimeoutMs: 500 }).request(server.origin);
    expect(answer.text()).toBe('fine');
    await waitFor(() => server.abandoned === 1);
  });

  it('ends when its time is over, its tries included', async () => {
    server.handler = answers.silence();
    const client = open({ timeoutMs: 300, attemptTimeoutMs: 10_000, retries: 10 });
    await expect(client.request(server.origin)).rejects.toMatchObject(unavailable);
    await waitFor(() => server.abandoned === 1);
  });

  it('is given up with its caller, there and here', async () => {
    server.handler = answers.silence();
    const client = open({ breaker: { failures: 1 } });
    const caller = new AbortController();
    const asked = client.request(server.origin, { signal: caller.signal });
    await waitFor(() => server.underWay === 1);
    caller.abort(new Error('gone'));
    await expect(asked).rejects.toThrow('gone');
    await waitFor(() => server.abandoned === 1);
    server.handler = answers.status(200);
    expect((await client.request(server.origin)).status).toBe(200);
  });

  it('is not made for an origin that is not the client’s, nor for anything but HTTP', async () => {
    const client = open({ origin: server.origin });
    await expect(client.request('http://127.0.0.1:1/')).rejects.toThrow('partner is not at');
    await expect(open().request('file:///etc/passwd')).rejects.toThrow('cannot be called');
    expect(server.requests).toEqual([]);
  });
});

describe('an answer', () => {
  it('larger than it may be is cut off and not asked for again', async () => {
    server.handler = answers.large(100_000);
    const client = open({ maxBytes: 99_999 });
    await expect(client.request(server.origin)).rejects.toMatchObject(useless);
    expect(server.requests).toHaveLength(1);
    expect((await open({ maxBytes: 100_000 }).request(server.origin)).body).toHaveLength(100_000);
  });

  it('that grows when it is unpacked is measured unpacked', async () => {
    const packed = gzipSync(Buffer.alloc(1_000_000, 'x'));
    expect(packed.length).toBeLessThan(10_000);
    server.handler = (_request, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(packed);
    await expect(open({ maxBytes: 999_999 }).request(server.origin)).rejects.toMatchObject(useless);
    expect((await open({ maxBytes: 1_000_000 }).request(server.origin)).body).toHaveLength(1_000_000);
  });

  it('that sends us to another host is not followed', async () => {
    const other = await startServer();
    server.handler = answers.status(302, { location: `${other.origin}/metadata` });
    await expect(open().request(server.origin)).rejects.toMatchObject(useless);
    expect(other.requests).toEqual([]);
    expect(server.requests).toHaveLength(1);
  });

  it('that sends us on within its host is followed, but not for ever', async () => {
    server.plan(answers.status(301, { location: '/elsewhere' }));
    expect((await open().request(`${server.origin}/here`)).text()).toBe('fine');
    expect(server.requests.map(({ path }) => path)).toEqual(['/here', '/elsewhere']);
    server.handler = answers.status(307, { location: '/again' });
    await expect(open().request(server.origin)).rejects.toMatchObject(useless);
    expect((await open().request(server.origin, { method: 'POST', body: 'x' })).status).toBe(307);
  });

  it('that is no JSON is of no use', async () => {
    const answer = await open().request(server.origin);
    expect(() => answer.json()).toThrow(expect.objectContaining(useless));
  });
});

describe('the circuit of an origin', () => {
  it('opens when it is down, spares it, and closes as soon as its probe is answered', async () => {
    const states: string[] = [];
    const client = open({
      origin: server.origin,
      retries: 0,
      probePath: '/health',
      breaker: { probeEveryMs: 20 },
      hooks: { onStateChange: ({ name, state }) => states.push(`${name} ${state}`) },
    });
    await server.close();
    for (let i = 0; i < 5; i += 1)
      await expect(client.request(server.origin)).rejects.toMatchObject(unavailable);
    expect(states).toEqual(['partner open']);
    await server.reopen();
    await waitFor(() => states.at(-1) === 'partner closed');
    expect(server.requests.map(({ path }) => path)).toEqual(['/health']);
    expect((await client.request(server.origin)).status).toBe(200);
  });

  it('stays closed when we are told that we ask too much', async () => {
    const client = open({ retries: 0 });
    server.handler = answers.status(429);
    for (let i = 0; i < 10; i += 1)
      await expect(client.request(server.origin)).rejects.toMatchObject(unavailable);
    expect(server.requests).toHaveLength(10);
  });

  it('is its own: one that is down or hangs holds up nobody who calls another', async () => {
    const other = await startServer();
    const client = open({
      retries: 0,
      timeoutMs: 5_000,
      attemptTimeoutMs: 5_000,
      bulkhead: { limit: 2, queue: 1 },
    });
    server.handler = answers.silence();
    const hanging = [1, 2, 3].map(() => client.request(server.origin).catch((error: unknown) => error));
    await waitFor(() => server.underWay === 2);
    await expect(client.request(server.origin)).rejects.toMatchObject(unavailable);
    const started = performance.now();
    for (let i = 0; i < 20; i += 1) expect((await client.request(other.origin)).status).toBe(200);
    expect(performance.now() - started).toBeLessThan(4_000);
    expect(server.mostUnderWay).toBe(2);
    await server.close();
    await Promise.all(hanging);
    for (let i = 0; i < 5; i += 1) await client.request(server.origin).catch(() => undefined);
    expect((await client.request(other.origin)).status).toBe(200);
  });

  it('is forgotten when a hundred others have been called since', async () => {
    const there = new Set<string>();
    const client = open({
      retries: 0,
      hooks: {
        onBreaker: (breaker: Breaker) => there.add(breaker.name),
        onBreakerGone: (breaker: Breaker) => there.delete(breaker.name),
      },
    });
    await client.request(server.origin);
    const first = `partner ${new URL(server.origin).host}`;
    expect([...there]).toEqual([first]);
    // Nothing listens there: each is refused, in its turn.
    for (let host = 1; host <= 100; host += 1)
      await client.request(`http://127.1.0.${host}:1/`).catch(() => undefined);
    expect(there.size).toBe(100);
    expect(there.has(first)).toBe(false);
  });
});

it('every try is told of, in its caller’s context, with what became of it', async () => {
  const request = new AsyncLocalStorage<string>();
  const told: string[] = [];
  const client = open({
    attemptTimeoutMs: 1_000,
    maxBytes: 50,
    bulkhead: { limit: 1, queue: 10 },
    hooks: {
      onExchange: ({ name, method, outcome, seconds }) => {
        expect(seconds).toBeGreaterThan(0);
        told.push(`${request.getStore()}: ${name} ${method} ${outcome}`);
      },
    },
  });
  server.plan(
    answers.status(204),
    answers.status(404),
    answers.silence(),
    answers.large(100),
    answers.reset(),
  );
  const names = ['a', 'b', 'c', 'd', 'e'];
  await Promise.all(
    names.map((name) =>
      request.run(name, () => client.request(server.origin, { method: 'PATCH' }).catch(() => undefined)),
    ),
  );
  const outcomes = ['2xx', '4xx', 'timeout', 'unusable', 'error'];
  expect(told).toEqual(names.map((name, at) => `${name}: partner PATCH ${outcomes[at]}`));
});
