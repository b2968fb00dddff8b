import { randomUUID } from 'node:crypto';
import { notification as notificationSchema, problemSchema, type Notification } from '@rostrum/contracts';
import { createDatabase } from '@rostrum/data-access';
import { waitFor } from '@rostrum/testing';
import { Facts } from './facts';
import { RealtimeApp, type Instance, type Person } from './realtime-app';

const path = '/api/v1/realtime/notifications';

let app: RealtimeApp;
let here: Instance;
let there: Instance;
let worker: Instance;
let ada: Person;
let grace: Person;

beforeAll(async () => {
  app = await RealtimeApp.create();
  [here, there, worker] = await Promise.all([app.instance(), app.instance(), app.worker()]);
});
afterAll(() => app.stop());
beforeEach(async () => {
  ada = await app.person('ada');
  grace = await app.person('grace');
});

const rowsOf = ({ id }: Person) =>
  app.rows<{ id: string; position: string }>(
    'select * from realtime.notification_groups where recipient_id = $1 order by position',
    [id],
  );
const deedsTo = ({ id }: Person) =>
  app.rows('select * from realtime.notification_deeds where recipient_id = $1 order by position', [id]);
const notified = (person: Person, count: number) =>
  waitFor(async () => (await deedsTo(person)).length === count, { what: `${count} notifications` });

describe('a new follower', () => {
  it('is in the list and is told at once on every socket of the user, wherever it is', async () => {
    const sent = await worker.metric('notifications_sent_total{kind="follow"}');
    const sockets = [await here.connect(ada), await here.connect(ada), await there.connect(ada)];
    const others = await there.connect(grace);

    await app.follow(grace, ada);

    const events = await Promise.all(sockets.map((socket) => socket.next('event')));
    const [row, ...more] = await rowsOf(ada);
    expect(more).toEqual([]);
    expect(row).toMatchObject({ kind: 'follow', actor_count: 1 });
    const expected: Notification = {
      id: row?.id ?? '',
      position: Number(row?.position),
      kind: 'follow',
      actors: [{ id: grace.id, username: grace.username }],
      actorCount: 1,
      postId: null,
      newPostId: null,
      moderation: null,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
      read: false,
    };
    for (const event of events) {
      expect(event).toMatchObject({ channel: 'user:me', id: events[0]?.id, name: 'notification.created' });
      expect(notificationSchema.parse(event.data)).toEqual(expected);
    }
    const { status, json, headers } = await here.send(ada, `GET ${path}`);
    expect([status, json]).toEqual([200, { items: [expected], nextCursor: null, unread: 1 }]);
    expect(headers.get('cache-control')).toBe('no-store');
    await waitFor(async () => (await worker.metric('notifications_sent_total{kind="follow"}')) === sent + 1);
    await others.roundTrip();
    expect(others.of('event')).toEqual([]);
    for (const socket of [...sockets, others]) await socket.close();
  });

  it('makes one notification, however often the event comes', async () => {
    const socket = await here.connect(ada);
    const eventId = await app.follow(grace, ada);
    await app.follow(grace, ada, eventId);
    await app.follow(grace, ada, eventId);
    await app.allHandled();

    expect(await rowsOf(ada)).toHaveLength(1);
    await socket.next('event');
    await socket.roundTrip();
    expect(socket.of('event')).toHaveLength(1);
    await socket.close();
  });

  it('makes no second one for following again', async () => {
    await app.follow(grace, ada);
    await notified(ada, 1);
    const [first] = await rowsOf(ada);
    await here.send(ada, `POST ${path}/read`, { upTo: Number(first?.position) });
    const socket = await here.connect(ada);
    await app.follow(grace, ada);
    const marker = await app.person('marker');
    await app.follow(marker, ada);
    await app.allHandled();
    await notified(ada, 2);
    await socket.next('event');
    await socket.roundTrip();
    const actors = socket.of('event').map(({ data }) => notificationSchema.parse(data).actors);
    expect(actors).toEqual([[{ id: marker.id, username: marker.username }]]);
    await socket.close();
  });

  it('is told of in the log with the trace that it came with', async () => {
    const traceId = randomUUID().replaceAll('-', '');
    const traceparent = `00-${traceId}-00f067aa0ba902b7-00`;
    const payload = {
      followerId: grace.id,
      followerUsername: grace.username,
      followeeId: ada.id,
      followedAt: new Date().toISOString(),
    };
    await app.publish('user.followed', { eventId: randomUUID(), key: ada.id, payload, traceparent });
    await notified(ada, 1);
    const line = await waitFor(() =>
      app.log.lines().find((each) => each.trace_id === traceId && each.message === 'Notification sent'),
    );
    expect(line).toMatchObject({ kind: 'follow' });
  });

  it('is nobody whose event is not as its contract says; that one is set aside and the rest goes on', async () => {
    const dead = await worker.metric('event_dead_letters_total{stream="events:posts"}');
    await app.publish('user.followed', {
      eventId: randomUUID(),
      key: ada.id,
      payload: { followerId: 'nobody', followeeId: ada.id },
    });
    await app.follow(grace, ada);
    await notified(ada, 1);
    await waitFor(
      async () => (await worker.metric('event_dead_letters_total{stream="events:posts"}')) === dead + 1,
    );
    await app.allHandled();
    expect(await rowsOf(ada)).toHaveLength(1);
  });

  it('waits in the stream while no worker is there', async () => {
    const lonely = await RealtimeApp.create();
    await lonely.follow(grace, ada);
    await lonely.worker();
    await waitFor(async () => (await lonely.rows('select 1 from realtime.notification_groups')).length === 1);
    await lonely.stop();
  });
});

describe('the list of notifications', () => {
  /** Of different posts, so that each is a notification. */
  async function likes(count: number): Promise<string[]> {
    const facts = new Facts(app);
    const posts = Array.from({ length: count }, () => facts.post(ada));
    for (const post of posts) await facts.like(grace, post);
    await notified(ada, count);
    return posts.map(({ id }) => id);
  }

  it('is read page by page, newest first, with nothing twice and nothing left out', async () => {
    const posts = await likes(7);
    const seen: string[] = [];
    const sizes: number[] = [];
    for (let next: string | null = `${path}?limit=3`; next !== null;) {
      const { status, json, headers } = await here.send(ada, `GET ${next}`);
      expect(status).toBe(200);
      sizes.push(json.items.length);
      seen.push(...json.items.map(({ postId }: Notification) => postId));
      next = json.nextCursor === null ? null : `${path}?limit=3&cursor=${json.nextCursor}`;
      const link = next === null ? null : `<${path}?cursor=${json.nextCursor}&limit=3>; rel="next"`;
      expect(headers.get('link')).toBe(link);
    }
    expect(sizes).toEqual([3, 3, 1]);
    expect(seen).toEqual(posts.reverse());
  });

  it('refuses cursors that are not its own', async () => {
    await likes(2);
    const { json } = await here.send(ada, `GET ${path}?limit=1`);
    const cursor = json.nextCursor as string;
    const flipped = cursor.slice(0, -1) + (cursor.endsWith('A') ? 'B' : 'A');
    const asked = [
      await here.send(grace, `GET ${path}?cursor=${cursor}`),
      await here.send(ada, `GET ${path}?cursor=${flipped}`),
      await here.send(ada, `GET ${path}?cursor=${encodeURIComponent("' or 1=1 --")}`),
      await here.send(ada, `GET ${path}?cursor=`),
    ];
    for (const answer of asked) {
      expect(answer.status).toBe(400);
      expect(problemSchema.parse(answer.json).code).toBe('INVALID_CURSOR');
    }
    expect((await there.send(ada, `GET ${path}?cursor=${cursor}`)).status).toBe(200);
  });

  it.each(['limit=0', 'limit=101', 'limit=x', 'page=2'])('refuses ?%s', async (query) => {
    const { status, json } = await here.send(ada, `GET ${path}?${query}`);
    expect([status, json.code]).toEqual([400, 'VALIDATION_FAILED']);
  });

  it('asks who you are', async () => {
    expect((await here.send(undefined, `GET ${path}`)).status).toBe(401);
    expect((await here.send(undefined, `POST ${path}/read`, { ids: [randomUUID()] })).status).toBe(401);
  });
});

describe('marking as read', () => {
  const markRead = (person: Person, body: unknown) => here.send(person, `POST ${path}/read`, body);
  const readIds = async () => {
    const { json } = await here.send(ada, `GET ${path}`);
    return json.items.filter(({ read }: Notification) => read).map(({ id }: Notification) => id);
  };

  beforeEach(async () => {
    await app.follow(grace, ada);
    await notified(ada, 1);
    await new Facts(app).like(grace, new Facts(app).post(ada));
    await notified(ada, 2);
  });

  it('reaches the named ones of your own, and may be repeated', async () => {
    const [first] = await rowsOf(ada);
    const ids = [first?.id ?? '', randomUUID()];
    expect((await markRead(ada, { ids })).status).toBe(204);
    expect(await readIds()).toEqual([first?.id]);
    const [marked] = await app.rows('select read_at from realtime.notification_groups where id = $1', [
      first?.id,
    ]);
    expect((await markRead(ada, { ids })).status).toBe(204);
    expect(
      await app.rows('select read_at from realtime.notification_groups where id = $1', [first?.id]),
    ).toEqual([marked]);
  });

  it('never reaches those of others', async () => {
    const ids = (await rowsOf(ada)).map(({ id }) => id);
    expect((await markRead(grace, { ids })).status).toBe(204);
    expect(await readIds()).toEqual([]);
  });
});

describe('the role of the service', () => {
  it.each([
    'create table realtime.more (id int)',
    'alter table realtime.notifications add column more int',
    'drop table realtime.notifications',
    'truncate realtime.notifications',
    'insert into realtime.schema_migrations (name) values ($$more$$)',
  ])('may not %s', async (sql) => {
    const database = createDatabase({ url: app.database.url, max: 1 });
    await expect(database.query('forbidden', sql)).rejects.toMatchObject({ code: '42501' });
    await database.close();
  });
});
