import { randomUUID } from 'node:crypto';
import { waitFor } from '@rostrum/testing';
import { PostsApp, type Caller } from './posts-app';

let app: PostsApp;
let ada: Caller;

beforeAll(async () => {
  app = await PostsApp.start();
});
afterAll(() => app.stop());
beforeEach(async () => {
  ada = await app.person('ada');
});

const traceOf = () => randomUUID().replaceAll('-', '');

it('writes the ids of the request into each of its lines', async () => {
  const [requestId, trace] = [randomUUID(), traceOf()];
  const { headers, json } = await ada.send('POST', '/api/v1/posts', {
    body: '{"text":"What I write is nobody else’s business"}',
    headers: { 'X-Request-Id': requestId, traceparent: `00-${trace}-00f067aa0ba902b7-00` },
  });
  expect(headers.get('x-request-id')).toBe(requestId);

  const lines = await app.linesOf(requestId);
  expect(lines.map(({ message }) => message)).toEqual(['Post created', 'POST /api/v1/posts 201']);
  for (const line of lines) {
    expect(line).toMatchObject({
      level: 'info',
      request_id: requestId,
      trace_id: trace,
      span_id: expect.stringMatching(/^[0-9a-f]{16}$/),
      user_id: ada.id,
      endpoint: 'POST /api/v1/posts',
    });
  }
  expect(lines[0]).toMatchObject({ post_id: json.id });
});

it('writes neither what people write nor what proves who they are', async () => {
  const secrets = ['canary-of-text', 'canary-of-query', 'canary-of-cursor'];
  await ada.post(secrets[0] as string);
  await ada.get(`/api/v1/feed?${secrets[1]}=1`);
  const requestId = randomUUID();
  await ada.get(`/api/v1/feed?cursor=${secrets[2]}`, { 'X-Request-Id': requestId });
  await app.linesOf(requestId);
  const text = app.log.text();
  for (const secret of [...secrets, 'Bearer ey', 'eyJ']) expect(text).not.toContain(secret);
});

it('never mixes the contexts of requests that are answered at once', async () => {
  const people = await Promise.all(Array.from({ length: 10 }, (_, i) => app.person(`p${i}`)));
  const requests = Array.from({ length: 100 }, async (_, i) => {
    const person = people[i % 10] as Caller;
    const [requestId, trace] = [randomUUID(), traceOf()];
    const { json } = await person.send('POST', '/api/v1/posts', {
      body: JSON.stringify({ text: `Post ${i}` }),
      headers: { 'X-Request-Id': requestId, traceparent: `00-${trace}-00f067aa0ba902b7-00` },
    });
    return { requestId, trace, postId: json.id, userId: person.id };
  });
  for (const { requestId, trace, postId, userId } of await Promise.all(requests)) {
    const lines = await app.linesOf(requestId);
    // A busy machine may add what was slow.
    expect(lines.filter(({ level }) => level === 'info')).toHaveLength(2);
    for (const line of lines) expect(line).toMatchObject({ trace_id: trace, user_id: userId });
    expect(lines[0]).toMatchObject({ post_id: postId });
    const [event] = await app.rows(`select traceparent from posts.outbox where payload->>'postId' = $1`, [
      postId,
    ]);
    expect(event?.traceparent).toContain(trace);
  }
});

it('counts requests by their route’s pattern', async () => {
  const { id } = await ada.post('Counted');
  const of = (route: string, status: number, method = 'GET') =>
    app.metric(`http_requests_total{method="${method}",route="${route}",status="${status}"}`);
  const route = '/api/v1/posts/:id';
  const before = await of(route, 200);
  expect(before).not.toBeNaN();

  await ada.get(`/api/v1/posts/${id}`);
  const { headers } = await ada.get(`/api/v1/posts/${id}`);
  await ada.get(`/api/v1/posts/${id}`, { 'If-None-Match': headers.get('etag') as string });
  await ada.get(`/api/v1/posts/${randomUUID()}`);
  await ada.get('/api/v1/nothing');

  // A request is counted when its response is over, which its client may know first.
  const counts = async () =>
    Promise.all([of(route, 200), of(route, 304), of(route, 404), of('unmatched', 404)]);
  await waitFor(async () => (await counts()).join() === [before + 2, 1, 1, 1].join(), { what: 'the counts' });
  const text = await (await fetch(`${app.opsUrl}/metrics`)).text();
  expect(text).not.toContain(id);
  expect(text).not.toContain(ada.username);
});

it('has its counters at zero before anything happens', async () => {
  const fresh = await PostsApp.start();
  try {
    for (const series of [
      'posts_created_total',
      'users_followed_total',
      'users_unfollowed_total',
      'posts_reported_total{reason="spam"}',
      'moderation_decisions_total{kind="hide"}',
      'moderation_appeals_total',
      'cache_requests_total{cache="post",result="hit"}',
      'cache_requests_total{cache="post",result="miss"}',
      'cache_requests_total{cache="post",result="error"}',
      'http_requests_total{method="PUT",route="/api/v1/users/:username/follow",status="204"}',
    ]) {
      expect([series, await fresh.metric(series)]).toEqual([series, 0]);
    }
    await fresh.startWorker();
    for (const series of [
      'event_dead_letters_total',
      'events_handled_total',
      'events_published_total',
      'moderation_open_reports',
      'moderation_posts_waiting{state="appealed"}',
      'moderation_oldest_seconds{state="open"}',
      'moderation_people_waiting{state="escalated"}',
    ]) {
      expect([series, await fresh.metric(series, fresh.workerOpsUrl)]).toEqual([series, 0]);
    }
  } finally {
    await fresh.stop();
  }
});
