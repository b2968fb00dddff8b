import { waitFor } from '@rostrum/testing';
import { everythingBrought } from './feed-app';
import { PostsApp, type Answer, type Caller } from './posts-app';

let app: PostsApp;
let ada: Caller;
let grace: Caller;

beforeAll(async () => {
  app = await PostsApp.start();
  await app.startWorker({ FEED_PULL_FROM_FOLLOWERS: '3' });
});
afterAll(() => app.stop());
beforeEach(async () => {
  [ada, grace] = await Promise.all([app.member('ada'), app.member('grace')]);
  await ada.follow(grace.username);
});

const read = async (caller = ada) => {
  const answer = await caller.get('/api/v1/feed');
  expect(answer.status).toBe(200);
  return answer;
};
const textsOf = ({ json }: Answer): string[] => json.items.map(({ text }: { text: string }) => text);
const hits = async () => app.metric('cache_requests_total{cache="feed",result="local"}');
const postReads = async () =>
  (await app.metric('cache_requests_total{cache="post",result="hit"}')) +
  (await app.metric('cache_requests_total{cache="post",result="local"}'));

/** Reads until the page comes from the cache: nothing else is asked for its posts. */
async function untilKept(caller = ada): Promise<Answer> {
  await everythingBrought(app);
  return waitFor(
    async () => {
      const before = await postReads();
      const answer = await read(caller);
      return (await postReads()) === before && answer;
    },
    { what: 'a page that is kept' },
  );
}

it('is served as it was, with its link, until something changes', async () => {
  for (let i = 0; i < 25; i += 1) await grace.post(`post ${i}`);
  const first = await read();
  const kept = await untilKept();
  expect(kept.text).toBe(first.text);
  expect(kept.headers.get('link')).toBe(first.headers.get('link'));
  expect(first.headers.get('link')).toContain('rel="next"');
  expect(textsOf(kept)).toHaveLength(20);
  expect(await hits()).toBeGreaterThan(0);
});

it('has what is written by oneself at once, and by others when it has been brought', async () => {
  await grace.post('old');
  await untilKept();
  await ada.post('mine');
  expect(textsOf(await read())).toEqual(['mine', 'old']);
  await untilKept();
  await grace.post('new');
  await waitFor(async () => textsOf(await read())[0] === 'new');
});

/** What makes a page other than it was, and what it shows then. Each is acknowledged before it is read again. */
const changes: Record<
  string,
  { make: (post: Answer['json'], etag: string) => Promise<Answer>; then: string[] }
> = {
  'a post is edited': {
    make: (post, etag) =>
      grace.write('PATCH', `/api/v1/posts/${post.id}`, { text: 'edited' }, { 'if-match': etag }),
    then: ['second', 'edited'],
  },
  'a post is deleted': {
    make: (post) => grace.write('DELETE', `/api/v1/posts/${post.id}`),
    then: ['second'],
  },
  'the author blocks': {
    make: () => grace.write('PUT', `/api/v1/users/${ada.username}/block`),
    then: [],
  },
  'the viewer blocks': {
    make: () => ada.write('PUT', `/api/v1/users/${grace.username}/block`),
    then: [],
  },
  'the viewer mutes': {
    make: () => ada.write('PUT', `/api/v1/users/${grace.username}/mute`),
    then: [],
  },
  'the viewer stops following': {
    make: () => ada.unfollow(grace.username),
    then: [],
  },
};

it.each(Object.entries(changes))('is another as soon as %s', async (_name, { make, then }) => {
  const post = await grace.post('first');
  await grace.post('second');
  await untilKept();
  const { headers } = await grace.get(`/api/v1/posts/${post.id}`);
  const { status } = await make(post, headers.get('etag') ?? '');
  expect([200, 204]).toContain(status);
  expect(textsOf(await read())).toEqual(then);
  expect(textsOf(await untilKept())).toEqual(then);
});

it('has other counts as soon as somebody has answered', async () => {
  const post = await grace.post('what do you think?');
  await untilKept();
  await grace.post('nothing', { replyTo: post.id });
  const { items } = (await read()).json;
  expect(items.at(-1)).toMatchObject({ id: post.id, counts: { replies: 1 } });
});

it('shows again what it had left out, when that is to be seen again', async () => {
  await grace.post('muted for a while');
  await ada.write('PUT', `/api/v1/users/${grace.username}/mute`);
  expect(textsOf(await untilKept())).toEqual([]);
  await ada.write('DELETE', `/api/v1/users/${grace.username}/mute`);
  expect(textsOf(await read())).toEqual(['muted for a while']);
});

it('has posts of pulled authors, though nobody tells the page', async () => {
  const fans = await Promise.all([app.member('fan'), app.member('fan')]);
  for (const fan of fans) await fan.follow(grace.username);
  await grace.post('which finds that many follow');
  await untilKept();
  await grace.post('pulled');
  await waitFor(async () => textsOf(await read())[0] === 'pulled');
});

it('is nobody else’s', async () => {
  await grace.post('for ada');
  await untilKept();
  expect(textsOf(await read(await app.member('other')))).toEqual([]);
});

it('holds on every instance, also what another one has changed', async () => {
  const post = await grace.post('first');
  await untilKept();
  // As another process that makes the change, and this one has to hear of it.
  await app.redis.xadd('posts:changes', '*', 's', post.id);
  const before = await postReads();
  expect(textsOf(await read())).toEqual(['first']);
  expect(await postReads()).toBeGreaterThan(before);
  // The log is lost: nothing that was made until now is believed.
  await untilKept();
  await app.redis.del('posts:changes');
  const after = await postReads();
  await app.redis.xadd('posts:changes', '*', 's', grace.id);
  expect(textsOf(await read())).toEqual(['first']);
  expect(await postReads()).toBeGreaterThan(after);
});
