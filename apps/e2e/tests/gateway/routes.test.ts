import { waitFor } from '@rostrum/testing';
import { WebSocket } from 'ws';
import { startBackend, type Backend } from './backend';
import { ask, sendRaw, values } from './client';
import { setStage, type Stage } from './stage';

let stage: Stage;
let docs: Backend;

beforeAll(async () => {
  docs = await startBackend('docs');
  stage = await setStage({ docsUrl: docs.url });
});

afterAll(async () => {
  await stage.close();
  await docs.stop();
});

const reached = () =>
  [stage.auth, stage.posts, stage.realtime].flat().reduce((sum, { seen }) => sum + seen.length, 0);

describe('a path that a service owns', () => {
  it.each([
    ['/api/v1/auth/login', 'auth'],
    ['/api/v1/auth/a/b/c', 'auth'],
    ['/.well-known/jwks.json', 'auth'],
    ['/api/v1/posts', 'posts'],
    ['/api/v1/posts?limit=2&cursor=a%2Fb', 'posts'],
    ['/api/v1/posts/0198-id', 'posts'],
    ['/api/v1/feed', 'posts'],
    ['/api/v1/feed/live', 'posts'],
    ['/api/v1/users/ada', 'posts'],
    ['/api/v1/users/ada/follow', 'posts'],
    ['/api/v1/users/caf%C3%A9', 'posts'],
    ['/api/v1/realtime/notifications', 'realtime'],
    ['/docs', 'docs'],
    ['/docs/swagger-ui.css', 'docs'],
  ])('%s goes to %s, path and query unchanged', async (target, service) => {
    const { status, json } = await ask(stage, target);

    expect(status).toBe(200);
    expect(json.name).toMatch(new RegExp(`^${service}`));
    expect(json.url).toBe(target);
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE'])('takes %s with its body', async (method) => {
    const { json } = await ask(stage, '/api/v1/posts', { method, body: '{"text":"hello"}' });

    expect(json).toMatchObject({ method, body: '{"text":"hello"}' });
  });

  it('upgrades /ws to a WebSocket that carries the request id of the service', async () => {
    const socket = new WebSocket(`${stage.gateway.url.replace('https', 'wss')}/ws`, {
      ca: stage.certificate,
      headers: { 'X-Request-Id': 'websocket-request-1' },
    });
    const upgrade = new Promise<Pick<Parameters<typeof values>[0], 'rawHeaders'>>((resolve) =>
      socket.once('upgrade', resolve),
    );
    const messages: string[] = [];
    socket.on('message', (data) => messages.push(String(data)));
    socket.once('open', () => socket.send('hello'));

    expect(values(await upgrade, 'x-request-id')).toEqual(['websocket-request-1']);
    await waitFor(() => messages.length > 0);
    expect(messages).toEqual(['echo hello']);
    socket.terminate();
  });
});

describe('anything else', () => {
  const nowhere = [
    '/',
    '/nowhere',
    '/api',
    '/api/v1',
    '/api/v1/auth',
    '/api/v1/postscript',
    '/api/v1/feeds',
    '/api/v1/users',
    '/api/v2/posts',
    '/wss',
    '/ws/',
    '/docsify',
    '/.well-known/other',
    '/openapi.json',
  ];
  const kept = [
    '/metrics',
    '/healthz',
    '/healthz/live',
    '/healthz/ready',
    '/readyz',
    '/ping',
    '/dashboard/',
    '/api/rawdata',
  ];
  const tricks = [
    '//metrics',
    '/./metrics',
    '/METRICS',
    '/metrics/',
    '/metrics?x=1',
    '/%6d%65trics',
    '/%2e%2e/metrics',
    '/%2E%2E/%2e%2e/metrics',
    '/api/v1/posts/../../metrics',
    '/api/v1/posts/../../../metrics',
    '/api/v1/posts/../../../healthz/live',
    '/api/v1/posts/%2e%2e/%2e%2e/%2e%2e/metrics',
    '/api/v1/posts/.%2e/.%2e/.%2e/readyz',
    '/api/v1/posts//..//..//..//metrics',
    '/api/v1/auth/../metrics',
    '/ws/../metrics',
    '/ws/../../readyz',
    '/docs/../metrics',
    '/API/v1/posts',
    '/api/V1/posts',
    '/api/v1/Posts',
  ];

  it.each([...nowhere, ...kept, ...tricks])('%s is a 404 problem of the gateway', async (target) => {
    const before = reached() + docs.seen.length;
    const answer = await ask(stage, target, { headers: { 'X-Request-Id': 'routes-test-1' } });

    expect(answer.status).toBe(404);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.json).toMatchObject({
      type: 'urn:rostrum:problem:gateway-route-not-found',
      title: 'Not Found',
      status: 404,
      code: 'GATEWAY_ROUTE_NOT_FOUND',
      requestId: 'routes-test-1',
    });
    expect(reached() + docs.seen.length).toBe(before);
  });

  it.each([
    '/api/v1/posts/..%2f..%2f..%2fmetrics',
    '/api/v1/posts/%2E%2E%2Fmetrics',
    '/api/v1/posts%2F..%2F..%2Fmetrics',
    '/api/v1/posts/..%5c..%5cmetrics',
    '/api/v1/posts/%252e%252e/metrics',
    '/api/v1/posts/a%00b',
    '/api/v1/posts/a%0d%0aX-Injected:1',
    '/api/v1/posts/a%3fb',
    '/api/v1/posts/a%23b',
    '/api/v1/posts/a;b',
    '/api/v1/posts/a%3bb',
    '/%2fmetrics',
  ])('%s is refused for what it encodes', async (target) => {
    const before = reached();
    const { status, json } = await ask(stage, target);

    expect(status).toBe(400);
    expect(json.code).toBe('GATEWAY_PATH_REFUSED');
    expect(reached()).toBe(before);
  });

  it.each([
    ['an absolute target', 'GET http://127.0.0.1/metrics HTTP/1.1\r\nHost: x\r\n'],
    ['an absolute target that names an ops port', 'GET http://127.0.0.1:9080/readyz HTTP/1.1\r\nHost: x\r\n'],
    ['CONNECT', 'CONNECT 127.0.0.1:9080 HTTP/1.1\r\nHost: 127.0.0.1:9080\r\n'],
    ['a Host that names an ops port', 'GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:9080\r\n'],
    ['X-Original-URL', 'GET / HTTP/1.1\r\nHost: x\r\nX-Original-URL: /metrics\r\n'],
  ])('%s leads nowhere', async (_what, head) => {
    const before = reached();
    const answer = await sendRaw(stage, `${head}Connection: close\r\n\r\n`);

    expect(answer).toMatch(/^HTTP\/1.1 4\d\d /);
    expect(answer).toMatch(/x-request-id: /i);
    expect(answer).toContain('application/problem+json');
    expect(reached()).toBe(before);
  });

  it('has no page of the gateway itself on the TLS port', async () => {
    const { text } = await ask(stage, '/metrics');

    expect(text).not.toContain('traefik_');
    expect(await (await fetch(`${stage.gateway.internalUrl}/metrics`)).text()).toContain('traefik_');
  });
});
