import { waitFor } from '@rostrum/testing';
import { everythingBrought, feedByTables, feedOf, readAll } from './feed-app';
import { PostsApp, type Caller } from './posts-app';

const pullFrom = 6;
let app: PostsApp;

beforeAll(async () => {
  app = await PostsApp.start();
  await app.startWorker({ FEED_PULL_FROM_FOLLOWERS: String(pullFrom), FEED_FAN_OUT_BATCH: '2' });
});
afterAll(() => app.stop());

const members = (count: number, name: string) =>
  Promise.all(Array.from({ length: count }, () => app.member(name)));

/** Follows without the route, since these are many; nobody has read a feed yet. */
const followedBy = (author: Caller, followers: readonly Caller[]) =>
  app.rows(
    `with added as (insert into posts.follows (follower_id, followee_id) select unnest($2::uuid[]), $1)
     update posts.profiles set followers = followers + cardinality($2::uuid[]) where user_id = $1`,
    [author.id, followers.map(({ id }) => id)],
  );

const loads = async () =>
  (await app.metric('db_query_duration_seconds_count{operation="home_timeline"}')) || 0;
const pages = async () => (await app.metric('db_query_duration_seconds_count{operation="home_feed"}')) || 0;

it('shows one’s own post at once, in a feed that has been read before', async () => {
  const ada = await app.member('ada');
  await readAll([ada]);
  for (let i = 0; i < 5; i += 1) {
    const { id } = await ada.post(`post ${i}`);
    expect((await feedOf(ada))[0]).toBe(id);
  }
});

it('brings posts to those who follow, in batches, and asks PostgreSQL no more for pages', async () => {
  const author = await app.member('author');
  const fans = await members(5, 'fan');
  await followedBy(author, fans);
  await readAll(fans);
  const before = [await loads(), await pages()];
  const posts: string[] = [];
  for (let i = 0; i < 3; i += 1) posts.unshift((await author.post(`post ${i}`)).id);
  for (const fan of fans) await waitFor(async () => (await feedOf(fan)).length === 3);
  for (const fan of fans) expect(await feedOf(fan)).toEqual(posts);
  expect([await loads(), await pages()]).toEqual(before);
  await waitFor(async () => (await app.metric('feed_fanouts_waiting', app.workerOpsUrl)) === 0);
  expect(await app.metric('feed_deliveries_total', app.workerOpsUrl)).toBeGreaterThanOrEqual(15);
});

it('shows what somebody had written as soon as they are followed, and no more when they are not', async () => {
  const [ada, grace] = [await app.member('ada'), await app.member('grace')];
  const { id: old } = await grace.post('before');
  await readAll([ada]);
  await ada.follow(grace.username);
  expect(await feedOf(ada)).toEqual([old]);
  await ada.unfollow(grace.username);
  expect(await feedOf(ada)).toEqual([]);
  await ada.follow(grace.username);
  const { id: late } = await grace.post('late');
  await ada.unfollow(grace.username);
  await readAll([ada]);
  await everythingBrought(app);
  expect(await feedOf(ada)).toEqual([]);
  await ada.follow(grace.username);
  expect(await feedOf(ada)).toEqual([late, old]);
});

it('takes a post that comes too late for no longer being followed for what it is', async () => {
  const [ada, grace, alan] = await members(3, 'person');
  if (!ada || !grace || !alan) throw new Error('There are three');
  await ada.follow(alan.username);
  await everythingBrought(app);
  await readAll([ada]);
  const { id } = await grace.post('nobody follows me');
  // A worker that had read the list of followers before Ada stopped would bring it all the same.
  await app.rows('insert into posts.follows (follower_id, followee_id) values ($1, $2)', [ada.id, grace.id]);
  await app.rows(
    'insert into posts.feed_fanouts (post_id, author_id, created_at) values ($1, $2, now()) on conflict do nothing',
    [id, grace.id],
  );
  await everythingBrought(app);
  expect(await feedOf(ada)).toEqual([]);
});

it('pulls posts of those whom many follow, from the post on that finds it so, for everybody', async () => {
  const author = await app.member('star');
  const fans = await members(pullFrom + 3, 'fan');
  await followedBy(author, fans.slice(0, 2));
  await readAll(fans);
  const posts = [(await author.post('for a few')).id];
  for (const fan of fans.slice(0, 2)) await waitFor(async () => (await feedOf(fan)).length === 1);

  for (const fan of fans.slice(2)) await fan.follow(author.username);
  await readAll(fans);
  for (let i = 0; i < 3; i += 1) posts.unshift((await author.post(`for many ${i}`)).id);
  for (const fan of fans) await waitFor(async () => (await feedOf(fan)).length === 4);
  for (const fan of fans) expect(await feedOf(fan)).toEqual(posts);
  expect(await feedOf(author)).toEqual(posts);
  expect(
    await app.rows('select author_id from posts.feed_pulled_authors where author_id = $1', [author.id]),
  ).toHaveLength(1);

  // What is pulled is brought to nobody.
  await everythingBrought(app);
  const delivered = await app.metric('feed_deliveries_total', app.workerOpsUrl);
  posts.unshift((await author.post('in one place')).id);
  for (const fan of fans) await waitFor(async () => (await feedOf(fan)).length === 5);
  expect(await app.metric('feed_deliveries_total', app.workerOpsUrl)).toBe(delivered);
  const late = await app.member('late');
  await late.follow(author.username);
  expect(await feedOf(late)).toEqual(posts);
});

it('goes on from PostgreSQL where a timeline ends, and meets it without a gap or a repeat', async () => {
  const [ada, grace] = [await app.member('ada'), await app.member('grace')];
  await ada.follow(grace.username);
  await app.rows(
    `insert into posts.posts (id, author_id, text, created_at)
     select ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, $1, 'n', now()
       from generate_series(1, 130) n`,
    [grace.id],
  );
  for (let i = 0; i < 5; i += 1) await ada.post('mine');
  const expected = (await feedByTables(app, ada.id)).map(({ id }) => id);
  expect(expected).toHaveLength(135);
  for (const limit of [7, 50, 99, 100]) expect(await feedOf(ada, limit)).toEqual(expected);
});

it('begins anew when it has grown too long, and loses nothing by that', async () => {
  const [ada, grace] = [await app.member('ada'), await app.member('grace')];
  await ada.follow(grace.username);
  await readAll([ada]);
  await app.rows(
    `with post as (
       insert into posts.posts (id, author_id, text, created_at)
       select ('01910000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, $1, 'n', now()
         from generate_series(1, 900) n returning id)
     insert into posts.feed_fanouts (post_id, author_id, created_at) select id, $1, now() from post`,
    [grace.id],
  );
  await everythingBrought(app);
  const expected = (await feedByTables(app, ada.id)).map(({ id }) => id);
  expect(expected).toHaveLength(900);
  expect(await feedOf(ada)).toEqual(expected);
});

it('is loaded once however many ask, when Redis has lost everything', async () => {
  const [ada, grace] = [await app.member('ada'), await app.member('grace')];
  await ada.follow(grace.username);
  const { id } = await grace.post('still here');
  await readAll([ada]);
  await everythingBrought(app);
  const before = await loads();
  await app.redis.flushdb();
  const feeds = await Promise.all(Array.from({ length: 50 }, () => feedOf(ada)));
  expect(new Set(feeds.map(String))).toEqual(new Set([id]));
  expect((await loads()) - before).toBe(1);
});
