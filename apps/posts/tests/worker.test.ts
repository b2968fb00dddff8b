import { randomUUID } from 'node:crypto';
import { postCreated, streams, userFollowed, userRegistered } from '@rostrum/contracts';
import { createDatabase } from '@rostrum/data-access';
import { publishedEvents, waitFor } from '@rostrum/testing';
import { PostsApp } from './posts-app';

let app: PostsApp;

beforeAll(async () => {
  app = await PostsApp.start();
  await app.startWorker();
});
afterAll(() => app.stop());

const registration = () => ({
  userId: randomUUID(),
  username: `new_${randomUUID().slice(0, 8)}`,
  registeredAt: '2026-01-02T03:04:05.678Z',
});

const traceOf = () => randomUUID().replaceAll('-', '');

/** Puts an event into auth's stream as auth's relay does. */
async function arrive(payload: unknown, { id = randomUUID(), version = 1, trace = traceOf() } = {}) {
  await app.bus.publish(streams.auth, [
    {
      ...{ id, type: userRegistered.type, version, key: 'any', occurredAt: new Date().toISOString() },
      payload: JSON.stringify(payload),
      traceparent: `00-${trace}-00f067aa0ba902b7-00`,
    },
  ]);
  return { id, trace };
}

const profileOf = async ({ userId }: { userId: string }) =>
  (
    await app.rows('select username, created_at, followers from posts.profiles where user_id = $1', [userId])
  )[0];

/** The events of posts' stream, as any other service would read them. */
async function published(type: string) {
  const events = await publishedEvents(app.bus, streams.posts);
  return events.filter((event) => event.type === type);
}

describe('what happens in posts', () => {
  it('is published once, with the trace of the request that made it happen', async () => {
    const ada = await app.person('ada');
    const trace = traceOf();
    const { json } = await ada.send('POST', '/api/v1/posts', {
      body: '{"text":"Hear, hear"}',
      headers: { traceparent: `00-${trace}-00f067aa0ba902b7-00` },
    });

    const events = await waitFor(async () => {
      const mine = (await published('post.created')).filter(({ key }) => key === ada.id);
      return mine.length > 0 && mine;
    });
    expect(events).toHaveLength(1);
    expect(postCreated.payload.parse(events[0]?.payload)).toMatchObject({
      postId: json.id,
      authorId: ada.id,
    });
    expect(events[0]?.traceparent).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-00$`));
    expect(events[0]?.traceparent).not.toContain('00f067aa0ba902b7');
  });

  it('is published in the order in which it happened', async () => {
    const ada = await app.person('ada');
    const ids = [];
    for (let i = 0; i < 10; i += 1) ids.push((await ada.post(`Number ${i}`)).id);
    const heard = await waitFor(async () => {
      const mine = (await published('post.created')).filter(({ key }) => key === ada.id);
      return mine.length === 10 && mine.map(({ payload }) => (payload as { postId: string }).postId);
    });
    expect(heard).toEqual(ids);
  });

  it('tells of follows', async () => {
    const [ada, grace] = [await app.person('ada'), await app.person('grace')];
    await grace.post('Follow me');
    await ada.follow(grace.username);
    const event = await waitFor(async () =>
      (await published('user.followed')).find(({ key }) => key === grace.id),
    );
    expect(userFollowed.payload.parse(event.payload)).toMatchObject({
      followerId: ada.id,
      followeeId: grace.id,
    });
  });

  it('counts as waiting until it has been published', async () => {
    await waitFor(async () => (await app.metric('event_relay_backlog', app.workerOpsUrl)) === 0);
    expect(await app.metric('events_published_total', app.workerOpsUrl)).toBeGreaterThan(0);
  });
});

describe('a registration in auth', () => {
  it('becomes a profile that can be read and followed', async () => {
    const somebody = registration();
    await arrive(somebody);
    await waitFor(() => profileOf(somebody));

    const ada = await app.person('ada');
    expect((await ada.follow(somebody.username)).status).toBe(204);
    expect((await ada.get(`/api/v1/users/${somebody.username}`)).json).toEqual({
      id: somebody.userId,
      username: somebody.username,
      displayName: null,
      avatarId: null,
      isPrivate: false,
      bio: null,
      followers: 1,
      following: 0,
      createdAt: somebody.registeredAt,
    });
  });

  it('takes effect once, however often it arrives', async () => {
    const somebody = registration();
    const { id } = await arrive(somebody);
    await arrive(somebody, { id });
    await arrive(somebody);
    const last = registration();
    await arrive(last);
    await waitFor(() => profileOf(last));
    expect(
      await app.rows('select 1 from posts.profiles where username = $1', [somebody.username]),
    ).toHaveLength(1);
    expect(await app.rows('select 1 from posts.inbox where event_id = $1', [id])).toHaveLength(1);
  });

  it('that comes after the first post says when the account really began, and changes nothing else', async () => {
    const early = await app.person('early');
    const fan = await app.person('fan');
    await early.post('I was quicker');
    await fan.follow(early.username);
    await arrive({ ...registration(), userId: early.id, username: early.username });
    await waitFor(async () => {
      const profile = await profileOf({ userId: early.id });
      return (profile?.created_at as Date).toISOString() === '2026-01-02T03:04:05.678Z';
    });
    expect(await profileOf({ userId: early.id })).toMatchObject({ username: early.username, followers: 1 });
  });

  it('that is not as its contract says becomes a dead letter, told with its trace, and holds nobody up', async () => {
    const dead = () => app.metric(`event_dead_letters_total{stream="${streams.auth}"}`, app.workerOpsUrl);
    expect(await dead()).toBe(0);
    const { id, trace } = await arrive({ ...registration(), username: 'NOT A NAME' });
    const { id: unknown } = await arrive(registration(), { version: 99 });
    const next = registration();
    await arrive(next);

    await waitFor(() => profileOf(next));
    await waitFor(async () => (await dead()) === 2);
    const letters = await app.bus.deadLetters(streams.auth, 'posts').list();
    expect(letters.map(({ event }) => event?.id)).toEqual([id, unknown]);
    const line = await waitFor(() =>
      app.log.lines().find(({ level, message }) => level === 'error' && message.includes('dead letter')),
    );
    expect(line).toMatchObject({ trace_id: trace, request_id: id, endpoint: 'event user.registered' });
  });

  it('counts as lag until it has been handled', async () => {
    const lag = () => app.metric(`event_consumer_lag{stream="${streams.auth}"}`, app.workerOpsUrl);
    await waitFor(async () => (await lag()) === 0);
    const admin = createDatabase({ url: app.database.adminUrl });
    const waiting = [registration(), registration(), registration()];
    await admin.transaction(async (trx) => {
      await trx.query('hold', 'lock table posts.profiles in exclusive mode');
      for (const each of waiting) await arrive(each);
      await waitFor(async () => (await lag()) === 3);
    });
    await admin.close();
    for (const each of waiting) await waitFor(() => profileOf(each));
    await waitFor(async () => (await lag()) === 0);
  });
});

it('ends when it is told to, and goes on where it was when it is started again', async () => {
  const worker = await app.startWorker();
  expect((await worker.stop('test')).ok).toBe(true);
  const somebody = registration();
  await arrive(somebody);
  await waitFor(() => profileOf(somebody));
});
