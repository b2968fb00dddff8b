import { randomUUID } from 'node:crypto';
import { waitFor } from '@rostrum/testing';
import { channels } from '../src/live/channel-names';
import { Facts } from './facts';
import type { LiveClient } from './live-client';
import { RealtimeApp, type Instance, type Person } from './realtime-app';

type Kind = 'post' | 'presence' | 'feed';

let app: RealtimeApp;
let instances: [Instance, Instance];
let facts: Facts;
let author: Person;
let viewer: Person;
let other: Person;
let postId: string;
let open: LiveClient[];

beforeAll(async () => {
  app = await RealtimeApp.create();
  instances = await Promise.all([app.instance(), app.instance()]);
  await app.worker();
  facts = new Facts(app);
});
afterAll(() => app.stop());
beforeEach(async () => {
  [author, viewer, other] = (await Promise.all(
    ['author', 'viewer', 'other'].map((name) => app.person(name)),
  )) as [Person, Person, Person];
  postId = randomUUID();
  app.posts.owners.set(postId, author.id).set(author.username, author.id);
  for (const follower of [viewer, other]) await facts.follow(follower, author);
  await app.allHandled();
  open = [];
});
afterEach(() => {
  for (const client of open) client.socket.terminate();
});

async function listen(person: Person, instance: Instance, names: readonly string[]): Promise<LiveClient> {
  const client = await instance.connect(person, { channels: names });
  open.push(client);
  return client;
}

const nameOf = (kind: Kind) =>
  ({ post: `post:${postId}`, presence: `presence:${author.username}`, feed: 'feed:me' })[kind];

/** Something happens that is told on the channel. */
const happens: Record<Kind, () => Promise<unknown>> = {
  post: () => app.publishTo(channels.post(postId)),
  presence: () => app.publishTo(channels.presence(author.username)),
  feed: () => facts.write(author),
};

/** What changes, as it is told, and what posts then answers of it to the viewer. */
const changes: Record<string, { tell: () => Promise<void>; ends: Partial<Record<Kind, boolean>> }> = {
  'the author has become private': {
    tell: () => facts.seenOtherwise(author, { isPrivate: true }),
    ends: { post: true, presence: false, feed: false },
  },
  'the author has been suspended': {
    tell: () => facts.seenOtherwise(author, { isGone: true }),
    ends: { post: true, presence: true },
  },
  'the author has been deleted': {
    tell: async () => {
      await facts.goodbye(author);
      await facts.seenOtherwise(author, { isGone: true });
    },
    ends: { post: true, presence: true, feed: true },
  },
  'the viewer follows no longer': {
    tell: () => facts.unfollow(viewer, author),
    ends: { post: true, presence: false, feed: true },
  },
  'the author blocks the viewer': {
    tell: () => facts.block(author, viewer),
    ends: { post: true, presence: true, feed: true },
  },
  'the viewer blocks the author': {
    tell: () => facts.block(viewer, author),
    ends: { post: true, presence: true, feed: true },
  },
};

const cases = Object.entries(changes).flatMap(([what, { tell, ends }]) =>
  Object.entries(ends).map(([kind, isEnd]) => ({ what, kind: kind as Kind, isEnd, tell })),
);

/** But how somebody was when it began. */
const heard = (client: LiveClient) =>
  client.of('event').filter(({ name }) => name !== 'presence.changed').length;
const hears = (client: LiveClient) => waitFor(() => heard(client) === 1, { what: 'what has happened' });

describe.each(cases)('$what', ({ kind, isEnd, tell }) => {
  it(`${isEnd ? 'ends' : 'leaves'} ${kind}`, async () => {
    const [here, there] = instances;
    const name = nameOf(kind);
    const client = await listen(viewer, there, [name]);
    const bystander = await listen(other, here, [name]);
    const subject = kind === 'post' ? postId : author.username;
    if (isEnd) app.posts.hidden.add(`${viewer.id} ${subject}`);
    await tell();
    await app.allHandled();
    const isRefused = isEnd && kind !== 'feed';
    if (isRefused) {
      expect(await client.next('error')).toMatchObject({ code: 'CHANNEL_NOT_FOUND', channel: name });
    }
    await happens[kind]();
    await app.allHandled();
    const isForAll = kind === 'feed' && isEnd && (await followersOf(author)) === 0;
    if (!isForAll) await hears(bystander);
    if (!isEnd) await hears(client);
    for (const each of [client, bystander]) await each.roundTrip();
    expect(heard(client)).toBe(isEnd ? 0 : 1);
    expect(bystander.of('error')).toEqual([]);
    if (isRefused) {
      const again = await client.ask({ type: 'subscribe', channel: name });
      expect(again).toMatchObject({ type: 'error', code: 'CHANNEL_NOT_FOUND' });
    }
  });
});

const followersOf = async ({ id }: Person) =>
  (await app.rows('select from realtime.follows where followee_id = $1 and active', [id])).length;

it('asks about nobody else’s posts when it is told of one person', async () => {
  const [here] = instances;
  const elses = randomUUID();
  app.posts.owners.set(elses, other.id);
  await listen(viewer, here, [`post:${elses}`]);
  const concerned = await listen(viewer, here, [`post:${postId}`]);
  app.posts.hidden.add(`${viewer.id} ${postId}`);
  const { asked } = app.posts;
  await facts.seenOtherwise(author, { isPrivate: true });
  await concerned.next('error');
  expect(app.posts.asked).toBe(asked + 1);
});

it('lets in soon who has just become a follower', async () => {
  const [here] = instances;
  app.posts.hidden.add(postId);
  const client = await listen(viewer, here, []);
  const ask = async () => (await client.ask({ type: 'subscribe', channel: `post:${postId}` })).type;
  expect(await ask()).toBe('error');
  app.posts.hidden.delete(postId);
  // A refusal is remembered for a second.
  await waitFor(async () => (await ask()) === 'subscribed', { what: 'being let in' });
});

describe('a reply that not all may see who see the post', () => {
  const replies = (client: LiveClient) =>
    client.of('event').map(({ offset, data }) => [offset, (data as { replyId: string }).replyId]);
  const replyBy = async (person: Person, ...hiddenFrom: Person[]) => {
    const reply = facts.post(person);
    for (const { id } of hiddenFrom) app.posts.hidden.add(`${id} ${reply.id}`);
    await facts.answer(reply, 'replyTo', { id: postId, author }, 'followers');
    // Those of different people come in any order.
    await app.allHandled();
    return reply.id;
  };
  const answered = (client: LiveClient, count: number) => client.next('event', count);

  it('is told to those who see it, on all processes, and passes by the others in silence', async () => {
    const [here, there] = instances;
    const name = `post:${postId}`;
    const seeing = [await listen(author, here, [name]), await listen(other, there, [name])];
    const blind = [await listen(viewer, here, [name]), await listen(viewer, there, [name])];
    const first = await replyBy(other, viewer);
    const second = await replyBy(other);
    const third = await replyBy(author, viewer);
    for (const each of seeing) await answered(each, 3);
    for (const each of blind) await answered(each, 1);
    for (const each of blind) await each.roundTrip();
    const all = [first, second, third].map((id, index) => [index + 1, id]);
    for (const each of seeing) expect(replies(each)).toEqual(all);
    for (const each of blind) {
      expect(replies(each)).toEqual([[2, second]]);
      expect([...each.of('gap'), ...each.of('error')]).toEqual([]);
    }
  });

  it('stays so when what was missed is told again', async () => {
    const [here, there] = instances;
    const name = `post:${postId}`;
    const one = await listen(viewer, here, []);
    const { epoch, offset } = await one.subscribe(name);
    await one.close();
    const ids = [await replyBy(other, viewer), await replyBy(other), await replyBy(other, viewer)];
    await app.allHandled();
    const again = await listen(viewer, there, []);
    const { asked } = app.posts;
    expect(await again.subscribe(name, { epoch, offset })).toMatchObject({ recovered: true });
    // What was missed comes after the answer, and a ping does not wait for it.
    await answered(again, 1);
    await again.roundTrip();
    expect(replies(again)).toEqual([[2, ids[1]]]);
    // For the post and for all the replies.
    expect(app.posts.asked).toBeLessThanOrEqual(asked + 2);
    const seeing = await listen(other, there, []);
    await seeing.subscribe(name, { epoch, offset });
    await answered(seeing, 3);
    expect(replies(seeing)).toEqual(ids.map((id, index) => [index + 1, id]));
    await replyBy(author);
    for (const each of [again, seeing]) await waitFor(() => replies(each).at(-1)?.[0] === 4);
  });

  it('is a gap where nobody can say who sees it', async () => {
    const [here] = instances;
    const client = await listen(viewer, here, [`post:${postId}`]);
    app.posts.isDown = true;
    try {
      await app.publishTo(channels.post(postId), { name: 'post.replied', subject: randomUUID() });
      expect(await client.next('gap')).toMatchObject({ from: 1, to: 1, reason: 'unavailable' });
    } finally {
      app.posts.isDown = false;
    }
    expect(client.of('event')).toEqual([]);
  });
});
