import { streams } from '@rostrum/contracts';
import { publishedEvents, startFaultProxy, waitFor, type FaultProxy } from '@rostrum/testing';
import { PostsApp, type Caller } from './posts-app';

let app: PostsApp;
let ada: Caller;
let postgres: FaultProxy;
let redis: FaultProxy;

beforeAll(async () => {
  app = await PostsApp.start({
    through: async ({ databaseUrl, redisUrl }) => {
      postgres = await startFaultProxy({ target: databaseUrl });
      redis = await startFaultProxy({ target: redisUrl });
      return { DATABASE_URL: postgres.urlFor(databaseUrl), REDIS_URL: redis.urlFor(redisUrl) };
    },
  });
});
afterAll(async () => {
  await app.stop();
  await Promise.all([postgres.close(), redis.close()]);
});
beforeEach(async () => {
  ada = await app.person('ada');
});
afterEach(async () => {
  await Promise.all([postgres.heal(), redis.heal()]);
  await waitFor(async () => (await readiness()).body.status === 'ready');
});

async function readiness() {
  const response = await fetch(`${app.url}/readyz`);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const liveness = async () => [
  (await fetch(`${app.url}/healthz`)).status,
  (await fetch(`${app.opsUrl}/healthz/live`)).status,
];

const hits = () => app.metric('cache_requests_total{cache="post",result="hit"}');

describe.each([
  ['refuses connections', () => redis.refuse()],
  ['says nothing any more', () => Promise.resolve(redis.pause())],
])('while Redis %s', (_how, breakIt) => {
  it('serves everything from PostgreSQL, ready but degraded, and uses the cache again afterwards', async () => {
    const cached = await ada.post('Cached before');
    await ada.get(`/api/v1/posts/${cached.id}`);
    await breakIt();
    const degraded = await waitFor(async () => {
      const answer = await readiness();
      return answer.body.status === 'degraded' && answer;
    });
    expect(degraded).toEqual({
      status: 200,
      body: { status: 'degraded', degraded: ['redis'], down: [], draining: false },
    });

    const started = performance.now();
    const written = await ada.post('Written without Redis');
    for (const post of [cached, written]) {
      const { status, json, headers } = await ada.get(`/api/v1/posts/${post.id}`);
      expect([status, json]).toEqual([200, post]);
      const again = await ada.get(`/api/v1/posts/${post.id}`, {
        'If-None-Match': headers.get('etag') as string,
      });
      expect(again.status).toBe(304);
    }
    expect((await ada.get('/api/v1/feed')).json.items).toHaveLength(2);
    process.stdout.write(`without Redis all of that took ${Math.round(performance.now() - started)} ms\n`);
    expect(await liveness()).toEqual([200, 200]);
    expect((await fetch(`${app.opsUrl}/readyz`)).status).toBe(200);

    await redis.heal();
    await waitFor(async () => (await readiness()).body.status === 'ready');
    const before = await hits();
    await waitFor(async () => {
      await ada.get(`/api/v1/posts/${written.id}`);
      return (await hits()) > before;
    });
  });
});

it('loses no event that happened while Redis was gone', async () => {
  const worker = await app.startWorker();
  await redis.refuse();
  const { id } = await ada.post('Nobody hears this yet');
  await ada.post('Nor this');
  await redis.heal();
  const heard = await waitFor(async () => {
    const mine = (await publishedEvents(app.bus, streams.posts)).filter(({ key }) => key === ada.id);
    return mine.length === 2 && mine;
  });
  expect(heard[0]?.payload).toMatchObject({ postId: id });
  await worker.stop('test');
});

it('is not ready without PostgreSQL, stays alive, still serves what is cached, and comes back by itself', async () => {
  const cached = await ada.post('Cached before');
  const eve = await app.person('eve');
  for (const caller of [ada, eve, eve]) await caller.get(`/api/v1/posts/${cached.id}`);
  await postgres.refuse();
  await waitFor(async () => (await readiness()).status === 503);
  expect((await readiness()).body).toMatchObject({ status: 'not ready', down: ['postgres'], degraded: [] });
  expect(await liveness()).toEqual([200, 200]);

  for (const caller of [ada, eve]) {
    expect((await caller.get(`/api/v1/posts/${cached.id}`)).json).toEqual(cached);
  }
  const answers = [
    await ada.get('/api/v1/feed'),
    await ada.get(`/api/v1/posts/${crypto.randomUUID()}`),
    await ada.send('POST', '/api/v1/posts', { body: '{"text":"Lost?"}' }),
    await ada.follow('anybody'),
  ];
  for (const { status, json, headers, text } of answers) {
    expect([status, json.code]).toEqual([503, 'POSTGRES_UNAVAILABLE']);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect(text).not.toMatch(/ECONN|127\.0\.0\.1|rostrum_posts/);
  }

  await postgres.heal();
  const since = performance.now();
  await waitFor(async () => (await readiness()).status === 200);
  expect((await ada.get('/api/v1/feed')).status).toBe(200);
  const took = Math.round(performance.now() - since);
  process.stdout.write(`ready and read from ${took} ms after PostgreSQL was back, promised within 10 s\n`);
  expect(took).toBeLessThan(20_000);
});
