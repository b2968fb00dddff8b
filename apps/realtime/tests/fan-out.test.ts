import { randomUUID } from 'node:crypto';
import { waitFor } from '@rostrum/testing';
import { Facts } from './facts';
import { RealtimeApp, type Instance, type Person } from './realtime-app';

let app: RealtimeApp;
let instance: Instance;
let facts: Facts;
let ada: Person;
let grace: Person;

beforeAll(async () => {
  app = await RealtimeApp.create();
  [instance] = await Promise.all([app.instance(), app.worker()]);
  facts = new Facts(app);
});
afterAll(() => app.stop());
beforeEach(async () => {
  ada = await app.person('ada');
  grace = await app.person('grace');
});

/** Publishes as posts does and waits until the worker has dealt with it. */
async function said(type: string, key: string, payload: unknown): Promise<void> {
  await app.publish(type, { eventId: randomUUID(), key, payload });
  await app.allHandled();
}

const postBy = (author: Person, more: object = {}) => {
  const postId = randomUUID();
  const createdAt = new Date().toISOString();
  const payload = { postId, authorId: author.id, authorUsername: author.username, createdAt, ...more };
  return { postId, say: () => said('post.created', author.id, payload) };
};

const follow = async (follower: Person, followee: Person) => {
  await facts.follow(follower, followee);
  await app.allHandled();
};

describe('a new post', () => {
  it('is told to the followers of its author who listen, and to nobody else', async () => {
    await follow(ada, grace);
    const reader = await instance.connect(ada, { channels: ['feed:me'] });
    const stranger = await instance.connect(await app.person('stranger'), { channels: ['feed:me'] });
    const { postId, say } = postBy(grace);
    await say();
    expect(await reader.next('event')).toMatchObject({
      channel: 'feed:me',
      offset: 1,
      name: 'post.created',
      data: { postId, authorUsername: grace.username, isReply: false },
    });
    await stranger.roundTrip();
    expect(stranger.of('event')).toEqual([]);
    for (const each of [reader, stranger]) await each.close();
  });

  it('of which only some are to know is told to those of them who follow', async () => {
    const [mentioned, other] = [ada, await app.person('other')];
    for (const follower of [mentioned, other]) await follow(follower, grace);
    const clients = await Promise.all(
      [mentioned, other].map((person) => instance.connect(person, { channels: ['feed:me'] })),
    );
    await postBy(grace, { visibility: 'mentioned', mentions: [{ userId: mentioned.id }] }).say();
    await clients[0]?.next('event');
    await clients[1]?.roundTrip();
    expect(clients[1]?.of('event')).toEqual([]);
    for (const client of clients) await client.close();
  });

  it('waits for a follower who comes back soon', async () => {
    await follow(ada, grace);
    const reader = await instance.connect(ada, { channels: [] });
    const { epoch, offset } = await reader.subscribe('feed:me');
    await reader.close();
    await postBy(grace).say();
    const again = await instance.connect(ada, { channels: [] });
    expect(await again.subscribe('feed:me', { epoch, offset })).toMatchObject({ recovered: true });
    expect((await again.next('event')).name).toBe('post.created');
    await again.close();
  });

  it('costs nothing for followers who never listen', async () => {
    await follow(ada, grace);
    await postBy(grace).say();
    expect(await app.redis.keys(`realtime:{feed:${ada.id}}*`)).toEqual([]);
  });

  it('finds its readers among very many followers', async () => {
    await follow(ada, grace);
    await app.rows(
      `insert into realtime.follows (followee_id, follower_id, active, changed_at)
       select $1, gen_random_uuid(), true, now() from generate_series(1, 2000)`,
      [grace.id],
    );
    const reader = await instance.connect(ada, { channels: ['feed:me'] });
    await postBy(grace).say();
    expect((await reader.next('event')).name).toBe('post.created');
    await reader.close();
  });

  it('is not told to who has muted its author', async () => {
    await follow(ada, grace);
    const other = await app.person('other');
    await follow(other, grace);
    const [muter, listener] = await Promise.all(
      [ada, other].map((person) => instance.connect(person, { channels: ['feed:me'] })),
    );
    await facts.mute(ada, grace);
    await app.allHandled();
    await postBy(grace).say();
    await listener?.next('event');
    await muter?.roundTrip();
    expect(muter?.of('event')).toEqual([]);
    for (const each of [muter, listener]) await each?.close();
  });

  it('is not told to whom its author has blocked', async () => {
    await follow(ada, grace);
    const reader = await instance.connect(ada, { channels: ['feed:me'] });
    await facts.block(grace, ada);
    await app.allHandled();
    await postBy(grace).say();
    await reader.roundTrip();
    expect(reader.of('event')).toEqual([]);
    await reader.close();
  });
});

describe('what becomes of a post', () => {
  it('is told to those who look at it', async () => {
    const { postId } = postBy(ada);
    const viewer = await instance.connect(grace, { channels: [`post:${postId}`] });
    const reply = postBy(grace, { replyTo: { postId, authorId: ada.id }, rootId: postId });
    await reply.say();
    expect(await viewer.next('event')).toMatchObject({
      name: 'post.replied',
      data: { replyId: reply.postId },
    });
    const editedAt = new Date().toISOString();
    await said('post.updated', ada.id, { postId, authorId: ada.id, version: 2, editedAt });
    expect(await viewer.next('event', 2)).toMatchObject({ name: 'post.updated', data: { version: 2 } });
    for (const name of ['one', 'two', 'three']) {
      await facts.like(await app.person(name), { id: postId, author: ada });
    }
    const likes = () =>
      viewer
        .of('event')
        .filter(({ name }) => name === 'post.reacted')
        .reduce((sum, { data }) => sum + (data as { likes: number }).likes, 0);
    await waitFor(() => likes() === 3);
    await viewer.close();
  });

  it('and its end ends the subscriptions to it', async () => {
    const { postId } = postBy(ada);
    const viewer = await instance.connect(grace, { channels: [`post:${postId}`] });
    await said('post.deleted', ada.id, { postId, authorId: ada.id, deletedAt: new Date().toISOString() });
    expect(await viewer.next('error')).toMatchObject({
      code: 'CHANNEL_NOT_FOUND',
      channel: `post:${postId}`,
    });
    await viewer.close();
  });

  it('is not told to those who may not see it any more, once a block says so', async () => {
    const { postId } = postBy(ada);
    const viewer = await instance.connect(grace, { channels: [`post:${postId}`] });
    app.posts.hidden.add(`${grace.id} ${postId}`);
    await facts.block(ada, grace);
    expect(await viewer.next('error')).toMatchObject({
      code: 'CHANNEL_NOT_FOUND',
      channel: `post:${postId}`,
    });
    await viewer.close();
  });
});
