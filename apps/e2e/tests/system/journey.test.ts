import { randomUUID } from 'node:crypto';
import { startOtlpCollector, waitFor, type OtlpCollector } from '@rostrum/testing';
import { LiveSocket } from './live-socket';
import { signUp, startSystem, type Person, type System } from './system';

/** The span of whoever calls us. */
const clientSpan = '00f067aa0ba902b7';

let collector: OtlpCollector;
let system: System;

beforeAll(async () => {
  collector = await startOtlpCollector();
  system = await startSystem({ otlpEndpoint: collector.url, gatewayTracing: true });
}, 90_000);

afterAll(async () => {
  await system?.stop();
  await collector?.close();
}, 60_000);

const post = (path: string, person: Person, body: object) =>
  system.ask(path, { method: 'POST', headers: person.headers, body: JSON.stringify(body) });
const get = (path: string, person: Person, headers: Record<string, string> = {}) =>
  system.ask(path, { headers: { ...person.headers, ...headers } });

async function publish(person: Person, text: string): Promise<{ id: string; text: string }> {
  const response = await post('/api/v1/posts', person, { text });
  expect(response.status).toBe(201);
  return (await response.json()) as { id: string; text: string };
}

describe('through the gateway', () => {
  it('a person signs up, signs in, and is who they are', async () => {
    const ada = await signUp(system);
    const me = await get('/api/v1/auth/me', ada);
    expect(me.status).toBe(200);
    expect(await me.json()).toMatchObject({ id: ada.id, username: ada.username });
    const keys = await system.ask('/.well-known/jwks.json');
    expect(await keys.json()).toMatchObject({
      keys: [
        { kty: 'RSA', alg: 'RS256' },
        { kty: 'RSA', alg: 'RS256' },
      ],
    });
  });

  it('what one posts, a follower finds in the feed, and the profile comes by an event', async () => {
    const [ada, grace] = [await signUp(system), await signUp(system)];
    const follow = () =>
      system.ask(`/api/v1/users/${ada.username}/follow`, { method: 'PUT', headers: grace.headers });
    await waitFor(async () => (await follow()).status === 204, {
      what: 'the profile of the one who registered',
    });
    const written = await publish(ada, 'The engine weaves algebraic patterns.');
    const feed = await get('/api/v1/feed', grace);
    expect(await feed.json()).toMatchObject({
      items: [{ id: written.id, text: written.text }],
      nextCursor: null,
    });
    const once = await get(`/api/v1/posts/${written.id}`, grace);
    const etag = once.headers.get('etag') ?? '';
    expect((await get(`/api/v1/posts/${written.id}`, grace, { 'if-none-match': etag })).status).toBe(304);
    expect(await (await get(`/api/v1/users/${ada.username}`, grace)).json()).toMatchObject({ followers: 1 });
  });

  it('the one who is followed is told live, and finds the notification later', async () => {
    const [ada, grace] = [await signUp(system), await signUp(system)];
    const socket = await LiveSocket.open(system, { token: ada.token, channels: ['user:me'] });
    const follow = () =>
      system.ask(`/api/v1/users/${ada.username}/follow`, { method: 'PUT', headers: grace.headers });
    await waitFor(async () => (await follow()).status === 204, { what: 'the profile' });
    await socket.event('notification.created');
    const list = await get('/api/v1/realtime/notifications', ada);
    expect(await list.json()).toMatchObject({
      items: [{ kind: 'follow', actors: [{ username: grace.username }] }],
    });
    const presence = await get(`/api/v1/realtime/presence/${ada.id}`, grace);
    expect(await presence.json()).toEqual({ userId: ada.id, online: true, state: 'online' });
    socket.close();
  });

  it('who looks at a post hears of the replies to it, if they may see it', async () => {
    const [ada, grace] = [await signUp(system), await signUp(system)];
    const { id } = await publish(ada, 'Who else has seen it?');
    const socket = await LiveSocket.open(system, { token: grace.token });
    const refused = await socket.tryToSubscribe(`post:${randomUUID()}`);
    expect(refused).toMatchObject({ type: 'error', code: 'CHANNEL_NOT_FOUND' });
    await socket.subscribe(`post:${id}`);
    const reply = await system.ask('/api/v1/posts', {
      method: 'POST',
      headers: { ...ada.headers, 'content-type': 'application/json' },
      body: JSON.stringify({ text: 'Nobody, it seems.', replyTo: id }),
    });
    expect(reply.status).toBe(201);
    expect(await socket.event('post.replied')).toMatchObject({ channel: `post:${id}` });
    socket.close();
  });

  it('services speak no private word: probes, metrics and ops are not to be reached', async () => {
    for (const path of [
      '/metrics',
      '/healthz',
      '/readyz',
      '/healthz/ready',
      '/admin/log-level',
      '/openapi.json',
    ]) {
      const response = await system.ask(path);
      expect([path, response.status]).toEqual([path, 404]);
    }
  });
});

describe('one request', () => {
  it('is one trace with the right parents, and the same ids in every log line', async () => {
    const ada = await signUp(system);
    const written = await publish(ada, 'One trace.');
    const requestId = randomUUID();
    const traceId = randomUUID().replaceAll('-', '');
    const response = await get(`/api/v1/posts/${written.id}`, ada, {
      'x-request-id': requestId,
      traceparent: `00-${traceId}-${clientSpan}-01`,
    });
    expect(response.headers.get('x-request-id')).toBe(requestId);
    const spans = await collector.waitForTrace(
      traceId,
      (all) =>
        all.some(isCallTo('PostgreSQL')) &&
        all.some(isCallTo('Redis')) &&
        all.some(isServerSpan('posts')) &&
        all.some(({ parentSpanId }) => parentSpanId === clientSpan),
    );
    const gateway = spans.find((span) => span.parentSpanId === clientSpan);
    const byId = new Map(spans.map((span) => [span.spanId, span]));
    const server = spans.find(isServerSpan('posts'));
    expect(gateway?.service).toMatch(/traefik|gateway/);
    expect(ancestors(server?.spanId, byId)).toContain(gateway?.spanId);
    for (const call of spans.filter((span) => isCallTo('PostgreSQL')(span) || isCallTo('Redis')(span))) {
      expect(ancestors(call.spanId, byId)).toContain(server?.spanId);
    }
    const lines = await waitFor(() => {
      const found = system.mains.posts.flatMap((one) => one.linesOf(requestId));
      return found.length > 0 && found;
    });
    for (const line of lines) {
      expect(line).toMatchObject({
        trace_id: traceId,
        span_id: server?.spanId,
        user_id: ada.id,
        endpoint: 'GET /api/v1/posts/:id',
      });
    }
  });

  it('leads on through the event to the worker that handles it', async () => {
    const traceId = randomUUID().replaceAll('-', '');
    await signUp(system, { traceparent: `00-${traceId}-${clientSpan}-01` });
    // Each process sends its spans when it likes.
    const spans = await collector.waitForTrace(
      traceId,
      (all) =>
        all.some(isServerSpan('auth')) &&
        all.some(({ service, name }) => service === 'posts-worker' && name.includes('user.registered')),
    );
    const byId = new Map(spans.map((span) => [span.spanId, span]));
    const handled = spans.find(
      ({ service, name }) => service === 'posts-worker' && name.includes('user.registered'),
    );
    const request = spans.filter(isServerSpan('auth')).map(({ spanId }) => spanId);
    expect(request).toEqual(expect.arrayContaining([ancestors(handled?.spanId, byId)[0]]));
  });

  it('never mixes its context with another: 1,000 interleaved ones, one in five traced', async () => {
    const ada = await signUp(system);
    const { id } = await publish(ada, 'Many at once.');
    const asked = Array.from({ length: 1000 }, (_, index) => ({
      path: index % 2 === 0 ? `/api/v1/posts/${id}` : '/api/v1/feed',
      requestId: randomUUID(),
      traceId: randomUUID().replaceAll('-', ''),
      sampled: index % 5 === 0,
    }));
    const waiting = [...asked];
    const askOneAfterTheOther = async () => {
      for (let next = waiting.pop(); next; next = waiting.pop()) {
        const { path, requestId, traceId, sampled } = next;
        const traceparent = `00-${traceId}-${clientSpan}-0${sampled ? 1 : 0}`;
        const response = await get(path, ada, { 'x-request-id': requestId, traceparent });
        expect(response.status).toBe(200);
        expect(response.headers.get('x-request-id')).toBe(requestId);
        await response.arrayBuffer();
      }
    };
    await Promise.all(Array.from({ length: 50 }, askOneAfterTheOther));
    const lines = () => system.mains.posts.flatMap((one) => one.lines);
    const traceOf = new Map<string, string>(asked.map(({ requestId, traceId }) => [requestId, traceId]));
    const logged = () => new Set(lines().map((line) => line.request_id));
    await waitFor(() => [...traceOf.keys()].every((requestId) => logged().has(requestId)), {
      what: 'all access lines',
    });
    for (const line of lines()) {
      const expected = traceOf.get(line.request_id ?? '');
      if (expected !== undefined) expect(line.trace_id).toBe(expected);
    }
    const traced = asked.filter(({ sampled }) => sampled);
    await waitFor(() => traced.every(({ traceId }) => collector.trace(traceId).some(isServerSpan('posts'))), {
      what: 'the spans of all sampled requests',
      timeoutMs: 20_000,
    });
    for (const { traceId, sampled } of asked) {
      const spans = collector.trace(traceId).filter(({ service }) => service === 'posts');
      const byId = new Map(spans.map((span) => [span.spanId, span]));
      const servers = spans.filter(isServerSpan('posts'));
      expect(servers).toHaveLength(sampled ? 1 : 0);
      for (const span of spans.filter(({ kind }) => kind === 3)) {
        expect(ancestors(span.spanId, byId)).toContain(servers[0]?.spanId);
      }
    }
  }, 60_000);
});

type Span = ReturnType<OtlpCollector['spans']>[number];

const isServerSpan = (service: string) => (span: Span) => span.service === service && span.kind === 2;

function isCallTo(what: 'PostgreSQL' | 'Redis') {
  const system = what === 'PostgreSQL' ? 'postgresql' : 'redis';
  return ({ attributes }: Span) =>
    attributes['db.system'] === system || attributes['db.system.name'] === system;
}

function ancestors(spanId: string | undefined, byId: Map<string, Span>): string[] {
  const parent = spanId === undefined ? undefined : byId.get(spanId)?.parentSpanId;
  return parent === undefined ? [] : [parent, ...ancestors(parent, byId)];
}
