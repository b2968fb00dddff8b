import { randomUUID } from 'node:crypto';
import { waitFor } from '@rostrum/testing';
import { AccountEvents } from './account-events';
import { PostsApp, type Caller } from './posts-app';

let app: PostsApp;
let events: AccountEvents;
let ada: Caller;
let troll: Caller;

beforeAll(async () => {
  app = await PostsApp.start();
  events = new AccountEvents(app);
  await app.startWorker();
});
afterAll(() => app.stop());
beforeEach(async () => {
  ada = await app.member('ada');
  troll = await app.member('troll');
});

const statusOf = async (path: string) => (await ada.get(path)).status;
const isListed = async (path: string, { id }: { id: string }) =>
  (await ada.get(path)).json.items.some((item: { id: string }) => item.id === id);

const waitUntilSeenTo = async ({ id }: Caller) =>
  waitFor(
    async () => (await app.rows('select from posts.account_jobs where user_id = $1', [id])).length === 0,
    { what: 'the job' },
  );

it.each<[string, (who: Caller) => Promise<void>, (who: Caller) => Promise<void>]>([
  ['a suspended account', (who) => events.suspended(who), (who) => events.restored(who)],
  [
    'an account that is to be deleted',
    (who) => events.deletionRequested(who),
    (who) => events.deletionWithdrawn(who),
  ],
])('takes %s out of sight with all that it has written, and brings it back', async (_, hide, show) => {
  await troll.follow(ada.username);
  await ada.follow(troll.username);
  const post = await troll.post('Provocation');
  const profile = `/api/v1/users/${troll.username}`;
  const direct = `/api/v1/posts/${post.id}`;
  const followers = `/api/v1/users/${ada.username}/followers`;
  // All of it stands in caches.
  expect([await statusOf(profile), await statusOf(direct)]).toEqual([200, 200]);
  expect(await isListed('/api/v1/feed', post)).toBe(true);
  expect(await isListed(followers, troll)).toBe(true);

  await hide(troll);
  const bothAre = async (status: number) =>
    (await statusOf(direct)) === status && (await statusOf(profile)) === status;
  await waitFor(() => bothAre(404));
  await waitUntilSeenTo(troll);
  expect(await statusOf(`${profile}/posts`)).toBe(404);
  expect(await isListed('/api/v1/feed', post)).toBe(false);
  expect(await isListed(followers, troll)).toBe(false);
  expect((await ada.follow(troll.username)).status).toBe(404);
  // They themselves see what is theirs, as long as a token of theirs is good.
  expect((await troll.get(direct)).status).toBe(200);

  await show(troll);
  await waitFor(() => bothAre(200));
  expect(await isListed('/api/v1/feed', post)).toBe(true);
  expect(await isListed(followers, troll)).toBe(true);
  await waitUntilSeenTo(troll);
  const told = await app.rows<{ isGone: boolean }>(
    `select (payload ->> 'isGone')::boolean as "isGone" from posts.outbox
      where type = 'profile.visibilityChanged' and key = $1 order by id`,
    [troll.id],
  );
  expect(told.map(({ isGone }) => isGone)).toEqual([true, false]);
});

it('keeps out of sight who is hidden for two reasons until the last of them is gone', async () => {
  const handled = async (eventId: string) =>
    waitFor(
      async () => (await app.rows('select from posts.inbox where event_id = $1', [eventId])).length > 0,
    );
  const profile = `/api/v1/users/${troll.username}`;
  const [back, restored] = [randomUUID(), randomUUID()];
  await events.deletionRequested(troll);
  await events.suspended(troll);
  await events.deletionWithdrawn(troll, back);
  await handled(back);
  expect(await statusOf(profile)).toBe(404);
  await events.deletionRequested(troll);
  await events.restored(troll, restored);
  await handled(restored);
  expect(await statusOf(profile)).toBe(404);
  await events.deletionWithdrawn(troll);
  await waitFor(async () => (await statusOf(profile)) === 200);
});

it('forgets what caches hold also when whoever heard of it died before that', async () => {
  const post = await troll.post('Still here?');
  expect(await statusOf(`/api/v1/posts/${post.id}`)).toBe(200);
  expect(await statusOf(`/api/v1/users/${troll.username}`)).toBe(200);
  // What is committed then, and nothing else.
  await app.rows('update posts.profiles set suspended_at = now() where user_id = $1', [troll.id]);
  await app.rows("insert into posts.account_jobs (user_id, kind) values ($1, 'refresh')", [troll.id]);
  await waitUntilSeenTo(troll);
  expect(await statusOf(`/api/v1/posts/${post.id}`)).toBe(404);
  expect(await statusOf(`/api/v1/users/${troll.username}`)).toBe(404);
});

it('grants all requests that wait when an account becomes public, and those of nobody else', async () => {
  await ada.write('PATCH', '/api/v1/users/me', { isPrivate: true });
  await troll.write('PATCH', '/api/v1/users/me', { isPrivate: true });
  const fans: Caller[] = [];
  for (let i = 0; i < 4; i += 1) {
    const fan = await app.member('fan');
    await fan.follow(ada.username);
    await fan.follow(troll.username);
    fans.push(fan);
  }
  const { id } = await ada.post('For followers');
  expect((await fans[0]?.get('/api/v1/feed'))?.json.items).toEqual([]);

  await ada.write('PATCH', '/api/v1/users/me', { isPrivate: false });
  const followersOf = async ({ username }: Caller) =>
    (await ada.get(`/api/v1/users/${username}`)).json.followers;
  await waitFor(async () => (await followersOf(ada)) === fans.length);
  expect(await followersOf(troll)).toBe(0);
  for (const fan of fans) {
    expect((await fan.get(`/api/v1/users/${fan.username}`)).json.following).toBe(1);
    const feed = (await fan.get('/api/v1/feed')).json.items;
    expect(feed.map((post: { id: string }) => post.id)).toEqual([id]);
  }
  const told = await app.rows(
    `select payload->>'followerId' as id from posts.outbox where type = 'user.followed' and key = $1`,
    [ada.id],
  );
  expect(told.map((row) => row.id).sort()).toEqual(fans.map((fan) => fan.id).sort());
  await waitUntilSeenTo(ada);
});

it('goes on asking where an account is private again before they could be granted', async () => {
  await ada.write('PATCH', '/api/v1/users/me', { isPrivate: true });
  await troll.follow(ada.username);
  await app.rows("insert into posts.account_jobs (user_id, kind) values ($1, 'welcome')", [ada.id]);
  await waitUntilSeenTo(ada);
  const { json } = await ada.get('/api/v1/users/me/follow-requests');
  expect(json.items).toMatchObject([{ id: troll.id }]);
});
