import { randomUUID } from 'node:crypto';
import { waitFor } from '@rostrum/testing';
import { everythingBrought, placesOf, readAll, type FeedPlace } from './feed-app';
import { PostsApp, type Caller } from './posts-app';

const pullFrom = 4;
let app: PostsApp;
let ada: Caller;
let grace: Caller;
let stranger: Caller;

beforeAll(async () => {
  app = await PostsApp.start();
  await app.startWorker({ FEED_PULL_FROM_FOLLOWERS: String(pullFrom) });
});
afterAll(() => app.stop());
beforeEach(async () => {
  [ada, grace, stranger] = [await app.member('ada'), await app.member('grace'), await app.member('stranger')];
  await ada.follow(grace.username);
});

const repost = async (caller: Caller, id: string, method = 'PUT') => {
  const { status } = await caller.write(method, `/api/v1/posts/${id}/repost`);
  expect(status).toBe(204);
};
/** The page that is kept, and one that is not. */
const feeds = async (caller: Caller) => Promise.all([placesOf(caller, 20), placesOf(caller, 7)]);
const twice = (places: FeedPlace[]) => [places, places];
const by = (id: string, { id: reposter }: Caller): FeedPlace => ({ id, by: reposter });
const own = (id: string): FeedPlace => ({ id, by: undefined });

/** Ada has seen what Grace has passed on. */
async function passedOn(): Promise<string> {
  const { id } = await stranger.post('Pass me on');
  await readAll([ada]);
  await repost(grace, id);
  await waitFor(async () => (await placesOf(ada)).length === 1);
  expect(await feeds(ada)).toEqual(twice([by(id, grace)]));
  return id;
}

it('come to those who follow whoever passes a post on, at the time of that, with the bytes of the post', async () => {
  const { id: old } = await stranger.post('Before all others');
  const { id: mine } = await grace.post('My own');
  await readAll([ada]);
  await repost(grace, old);
  await waitFor(async () => (await placesOf(ada)).length === 2);
  expect(await feeds(ada)).toEqual(twice([by(old, grace), own(mine)]));
  const { text } = await ada.get('/api/v1/feed');
  const { text: post } = await ada.get(`/api/v1/posts/${old}`);
  const repostedBy = JSON.stringify({ id: grace.id, username: grace.username });
  expect(text).toContain(`{"items":[${post.slice(0, -1)},"repostedBy":${repostedBy}},`);
});

it('stand in one’s own feed at once', async () => {
  const { id } = await stranger.post('Pass me on');
  await readAll([grace]);
  await grace.write('PUT', `/api/v1/posts/${id}/repost`, undefined, { 'idempotency-key': randomUUID() });
  expect(await feeds(grace)).toEqual(twice([by(id, grace)]));
});

it('are shown once on a page: the post stands in the newest of its places', async () => {
  const alan = await app.member('alan');
  await ada.follow(alan.username);
  const { id } = await grace.post('Everybody passes me on');
  await repost(alan, id);
  const { id: later } = await grace.post('Later');
  await everythingBrought(app);
  expect(await feeds(ada)).toEqual(twice([own(later), by(id, alan)]));
  await repost(ada, id);
  expect(await feeds(ada)).toEqual(twice([by(id, ada), own(later)]));
  expect(await placesOf(ada, 1)).toEqual([by(id, ada), own(later), by(id, alan), own(id)]);
  await repost(ada, id, 'DELETE');
  expect(await feeds(ada)).toEqual(twice([own(later), by(id, alan)]));
});

it('are gone at once when they are taken back, and there again when it is done again', async () => {
  const id = await passedOn();
  await repost(grace, id, 'DELETE');
  expect(await feeds(ada)).toEqual(twice([]));
  await repost(grace, id);
  await waitFor(async () => (await placesOf(ada)).length === 1);
});

it.each([
  ['follow', 'DELETE'],
  ['mute', 'PUT'],
  ['block', 'PUT'],
])(
  'are gone at once with a change of %s between the viewer and whoever passed it on',
  async (what, method) => {
    await passedOn();
    await ada.write(method, `/api/v1/users/${grace.username}/${what}`);
    expect(await feeds(ada)).toEqual(twice([]));
  },
);

it('open nothing: what the viewer may not see is not there', async () => {
  const id = await passedOn();
  await ada.write('PUT', `/api/v1/users/${stranger.username}/mute`);
  expect(await feeds(ada)).toEqual(twice([]));
  await ada.write('DELETE', `/api/v1/users/${stranger.username}/mute`);
  expect(await feeds(ada)).toEqual(twice([by(id, grace)]));
  await stranger.write('DELETE', `/api/v1/posts/${id}`);
  expect(await feeds(ada)).toEqual(twice([]));
});

it('of somebody whom many follow are pulled', async () => {
  const fans = await Promise.all(Array.from({ length: pullFrom }, () => app.member('fan')));
  for (const fan of fans) await fan.follow(grace.username);
  const everybody = [ada, ...fans];
  await readAll(everybody);
  const expected: FeedPlace[] = [];
  for (let i = 0; i < 3; i += 1) {
    const { id } = await stranger.post(`Pass me on ${i}`);
    await repost(grace, id);
    expected.unshift(by(id, grace));
  }
  for (const fan of everybody) await waitFor(async () => (await placesOf(fan)).length === 3);
  for (const fan of everybody) expect(await feeds(fan)).toEqual(twice(expected));
  await app.arrange('select');
  for (const fan of everybody) expect(await feeds(fan)).toEqual(twice(expected));
});

it('are read on from PostgreSQL below what a timeline has', async () => {
  const { id: old } = await stranger.post('Old');
  await app.rows(
    `insert into posts.reposts (user_id, post_id, id) values ($1, $2, '01800000-0000-7000-8000-000000000000')`,
    [grace.id, old],
  );
  await app.rows(
    `with post as (
       insert into posts.posts (id, author_id, text, created_at)
       select ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, $1, 'n', now()
         from generate_series(1, 120) n returning id)
     insert into posts.reposts (user_id, post_id, id)
     select $2, id, ('01900000-0000-7000-9000-' || right(id::text, 12))::uuid from post`,
    [stranger.id, grace.id],
  );
  const places = await placesOf(ada, 50);
  expect(places).toHaveLength(121);
  expect(places.at(-1)).toEqual(by(old, grace));
  expect(new Set(places.map(({ id }) => id)).size).toBe(121);
});
