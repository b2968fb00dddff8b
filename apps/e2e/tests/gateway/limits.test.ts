import https from 'node:https';
import { waitFor } from '@rostrum/testing';
import { WebSocket } from 'ws';
import { ask, sendRaw } from './client';
import { setStage, type Stage } from './stage';

const origin = 'https://app.example.com';

describe('too much', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await setStage({
      limits: { ratePerSecond: 20, rateBurst: 60, inFlight: 2, sockets: 2 },
      corsOrigins: [origin],
      // Enough for the largest body on a busy machine.
      timeouts: { readMs: 2500 },
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
    // Over connections that stay, so that a busy machine too asks more often than it may.
    const agent = new https.Agent({ keepAlive: true, maxSockets: 8 });
    const start = performance.now();
    const answers = await Promise.all(Array.from({ length: 300 }, () => ask(stage, '/nowhere', { agent })));
    const seconds = (performance.now() - start) / 1000;
    agent.destroy();
    const limited = answers.filter(({ status }) => status === 429);
    const passed = answers.length - limited.length;

    expect(limited.length).toBeGreaterThan(0);
    expect(passed).toBeGreaterThanOrEqual(40);
    expect(passed).toBeLessThanOrEqual(60 + 20 * seconds + 1);
    expect(limited[0]?.json).toMatchObject({ code: 'GATEWAY_TOO_MANY_REQUESTS', title: 'Too Many Requests' });
    expect(Number(limited[0]?.headers['retry-after'])).toBeGreaterThanOrEqual(1);
  });

  it('time over a request ends it, head or body', async () => {
    const start = performance.now();
    const head = sendRaw(stage, 'GET /api/v1/posts HTTP/1.1\r\nHost: x\r\nX-Slow: ');
    const body = sendRaw(stage, 'POST /api/v1/posts HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nslow');
    await Promise.all([head, body]);

    // Far from the minutes that a connection may idle.
    expect(performance.now() - start).toBeLessThan(20_000);
    expect(await body).not.toMatch(/ 200 /);
  });

  it('time over an idle WebSocket does not', async () => {
    const socket = await waitFor(() => open(stage));
    const opened = performance.now();
    await waitFor(() => performance.now() - opened > 3500);
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
