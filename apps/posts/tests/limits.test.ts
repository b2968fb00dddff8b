import { startRecordingProxy, waitFor, type RecordingProxy } from '@rostrum/testing';
import { PostsApp, type Caller } from './posts-app';

let app: PostsApp;
let proxy: RecordingProxy;

beforeAll(async () => {
  app = await PostsApp.start({
    through: async ({ redisUrl }) => {
      proxy = await startRecordingProxy({ target: redisUrl });
      // A machine that is busy must not let each process decide by itself.
      const patient = { RATE_LIMIT_REDIS_TIMEOUT_MS: '5000', REDIS_COMMAND_TIMEOUT_MS: '5000' };
      return { REDIS_URL: proxy.urlFor(redisUrl), RATE_LIMIT_API_REQUESTS: '40', ...patient };
    },
  });
});

afterAll(async () => {
  await app.stop();
  await proxy.close();
});

/** So many of 40 are left when a process begins to ask Redis before it admits anything. */
const half = 20;

/** What has been admitted ahead is counted some milliseconds later, by a packet of its own. */
async function untilCounted({ id }: Caller, count: number): Promise<void> {
  const [key = ''] = await app.redis.keys(`rate:*:api:u:${id}`);
  await waitFor(async () => (await app.redis.llen(key)) === count, {
    what: `${count} requests to be counted`,
  });
}

it('reads a cached post, and asks for its limit in the same round trip where that is near', async () => {
  const [ada, reader] = [await app.person('ada'), await app.person('reader')];
  const { id } = await ada.post('hello');
  const path = `/api/v1/posts/${id}`;
  for (let i = 0; i < 5; i += 1) expect((await ada.get(path)).status).toBe(200);
  for (let remaining = 39; remaining >= 0; remaining -= 1) {
    if (remaining === half - 1) {
      await untilCounted(reader, half);
      proxy.clear();
    }
    const { status, headers } = await reader.get(path);
    expect([status, headers.get('x-ratelimit-remaining')]).toEqual([200, String(remaining)]);
  }
  const asking = proxy.packets().filter((packet) => packet.includes('rate:'));
  expect(asking).toHaveLength(half);
  // With it, for the post, or for what has changed of all that this process knows.
  const reading = asking.filter((packet) => packet.includes(id) || packet.includes('posts:changes'));
  expect(reading).toHaveLength(half);
});

it('does not read for somebody who is over the limit', async () => {
  const [ada, reader] = [await app.person('ada'), await app.person('reader')];
  const { id } = await ada.post('hello');
  const path = `/api/v1/posts/${id}`;
  for (let i = 0; i < 40; i += 1) await reader.get(path);
  proxy.clear();
  for (let i = 0; i < 30; i += 1) expect((await reader.get(path)).status).toBe(429);
  expect(proxy.packets().filter((packet) => packet.includes(reader.id) || packet.includes(id))).toEqual([]);
  expect((await ada.get(path)).status).toBe(200);
});
