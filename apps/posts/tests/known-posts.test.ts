import { readConfig } from '@rostrum/config';
import type { Service } from '@rostrum/service-kit';
import { recordingLogger, waitFor } from '@rostrum/testing';
import { createPostsService } from '../src/composition-root';
import { mainSettings } from '../src/config';
import { PostsApp, type Caller } from './posts-app';

let app: PostsApp;
let other: Service;
let otherUrl: string;
let otherOps: string;
const log = recordingLogger({ service: 'posts' });

beforeAll(async () => {
  app = await PostsApp.start();
  other = createPostsService(readConfig(mainSettings, app.environment), { logger: log.logger });
  const { port, opsPort } = await other.start();
  otherUrl = `http://127.0.0.1:${port}`;
  otherOps = `http://127.0.0.1:${opsPort}`;
});
afterAll(async () => {
  await other.stop('the test is over');
  await log.close();
  await app.stop();
});

const known = () => app.metric('cache_requests_total{cache="post",result="local"}', otherOps);

/** The same person, who asks the other process. */
async function elsewhere(person: Caller): Promise<Caller> {
  const { url } = app;
  app.url = otherUrl;
  const caller = await app.caller(person);
  app.url = url;
  return caller;
}

/** Reads until the other process answers from what it keeps itself. */
async function untilKnown(reader: Caller, path: string): Promise<void> {
  await waitFor(async () => {
    const before = await known();
    expect((await reader.get(path)).status).toBe(200);
    return (await known()) > before;
  });
}

it('shows each change at once to whom another process serves from what it keeps', async () => {
  const [ada, eve] = [await app.member('ada'), await app.member('eve')];
  const reader = await elsewhere(eve);
  const { id } = await ada.post('Version 1');
  const path = `/api/v1/posts/${id}`;
  await untilKnown(reader, path);
  for (let version = 1; version <= 20; version += 1) {
    const before = await reader.get(path);
    const text = `Version ${version + 1}`;
    const edited = await ada.write('PATCH', path, { text }, { 'if-match': before.headers.get('etag') ?? '' });
    expect(edited.status).toBe(200);
    const after = await reader.get(path);
    expect([after.json.text, after.headers.get('etag')]).toEqual([text, edited.headers.get('etag')]);
    const unchanged = await reader.get(path, { 'if-none-match': after.headers.get('etag') ?? '' });
    expect(unchanged.status).toBe(304);
  }
  await eve.write('PUT', `${path}/like`);
  expect((await reader.get(path)).json.counts.likes).toBe(1);
  await untilKnown(reader, path);
  await ada.write('DELETE', path);
  expect((await reader.get(path)).status).toBe(410);
});

it('lets nobody see what a block has taken from them, whatever a process keeps', async () => {
  const [ada, eve] = [await app.member('ada'), await app.member('eve')];
  const reader = await elsewhere(eve);
  const { id } = await ada.post('Not for everybody');
  const path = `/api/v1/posts/${id}`;
  for (let round = 0; round < 5; round += 1) {
    await untilKnown(reader, path);
    await ada.write('PUT', `/api/v1/users/${eve.username}/block`);
    expect((await reader.get(path)).status).toBe(404);
    await ada.write('DELETE', `/api/v1/users/${eve.username}/block`);
    expect((await reader.get(path)).status).toBe(200);
  }
});

it('keeps to itself what a private account writes, from the moment when it is private', async () => {
  const [ada, eve] = [await app.member('ada'), await app.member('eve')];
  const reader = await elsewhere(eve);
  const { id } = await ada.post('Soon for friends');
  const path = `/api/v1/posts/${id}`;
  await untilKnown(reader, path);
  expect((await ada.write('PATCH', '/api/v1/users/me', { isPrivate: true })).status).toBe(200);
  expect((await reader.get(path)).status).toBe(404);
});

it('believes nothing that it keeps once the log of changes has lost something', async () => {
  const [ada, eve] = [await app.member('ada'), await app.member('eve')];
  const reader = await elsewhere(eve);
  const { id } = await ada.post('As it was');
  const path = `/api/v1/posts/${id}`;
  await untilKnown(reader, path);
  await app.rows('update posts.posts set likes = 7 where id = $1', [id]);
  expect((await reader.get(path)).json.counts.likes).toBe(0);
  await app.redis.flushdb();
  expect((await reader.get(path)).json.counts.likes).toBe(7);
});

it('misses no change among very many', async () => {
  const [ada, eve] = [await app.member('ada'), await app.member('eve')];
  const reader = await elsewhere(eve);
  const { id } = await ada.post('Before very many');
  const path = `/api/v1/posts/${id}`;
  await untilKnown(reader, path);
  const others = Array.from({ length: 2_500 }, (_, n) => n);
  const pipeline = app.redis.pipeline();
  for (const n of others) pipeline.xadd('posts:changes', '*', 's', `somebody-${n}`);
  await pipeline.exec();
  await eve.write('PUT', `${path}/like`);
  expect((await reader.get(path)).json.counts.likes).toBe(1);
});

it('ends the feeds that a process keeps when whom one follows, or what one has posted, changes by another', async () => {
  const [ada, eve] = [await app.member('ada'), await app.member('eve')];
  const reader = await elsewhere(eve);
  const keptFeeds = () => app.metric('cache_requests_total{cache="feed",result="local"}', otherOps);
  const feed = async () => {
    const { status, json } = await reader.get('/api/v1/feed');
    expect(status).toBe(200);
    return json.items.map(({ text }: { text: string }) => text);
  };
  const untilKept = () =>
    waitFor(async () => {
      const before = await keptFeeds();
      await feed();
      return (await keptFeeds()) > before;
    });
  await ada.post('of ada');
  for (let round = 1; round <= 3; round += 1) {
    const own = Array.from({ length: round - 1 }, (_, n) => `own ${round - 1 - n}`);
    await untilKept();
    await eve.follow(ada.username);
    expect(await feed()).toEqual([...own, 'of ada']);
    await untilKept();
    await eve.unfollow(ada.username);
    expect(await feed()).toEqual(own);
    await untilKept();
    await eve.post(`own ${round}`);
    expect(await feed()).toEqual([`own ${round}`, ...own]);
  }
});

it('keeps a feed with posts of its reader that it has found in the cache', async () => {
  const eve = await app.member('eve');
  const reader = await elsewhere(eve);
  const keptFeeds = () => app.metric('cache_requests_total{cache="feed",result="local"}', otherOps);
  const { id } = await eve.post('read by the other process first');
  expect((await eve.get(`/api/v1/posts/${id}`)).status).toBe(200);
  await waitFor(async () => {
    const before = await keptFeeds();
    expect((await reader.get('/api/v1/feed')).json.items).toHaveLength(1);
    return (await keptFeeds()) > before;
  });
});
