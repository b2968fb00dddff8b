import { randomUUID } from 'node:crypto';
import { notification as notificationSchema, type Notification } from '@rostrum/contracts';
import { waitFor } from '@rostrum/testing';
import { Facts } from './facts';
import { RealtimeApp, type Instance, type Person } from './realtime-app';

let app: RealtimeApp;
let facts: Facts;
let here: Instance;
let worker: Instance;
let ada: Person;
let grace: Person;
let linus: Person;

beforeAll(async () => {
  app = await RealtimeApp.create();
  facts = new Facts(app);
  [here, worker] = await Promise.all([app.instance(), app.worker()]);
});
afterAll(() => app.stop());
beforeEach(async () => {
  [ada, grace, linus] = await Promise.all([app.person('ada'), app.person('grace'), app.person('linus')]);
});

async function listOf(person: Person): Promise<{ items: Notification[]; unread: number }> {
  const { status, json } = await here.send(person, 'GET /api/v1/realtime/notifications?limit=100');
  expect(status).toBe(200);
  for (const item of json.items) notificationSchema.parse(item);
  return json;
}

const handled = () => app.allHandled();

async function told(person: Person): Promise<Notification[]> {
  await handled();
  return (await listOf(person)).items;
}

const names = ({ actors }: Notification) => actors.map(({ username }) => username);
const markRead = (person: Person, body: unknown) =>
  here.send(person, 'POST /api/v1/realtime/notifications/read', body);

describe('each kind', () => {
  it('is told with who did what to which post', async () => {
    const post = facts.post(ada);
    await facts.follow(grace, ada);
    await handled();
    await facts.requestFollow(linus, ada);
    await handled();
    await facts.like(grace, post);
    await handled();
    const reply = await facts.answer(grace, 'replyTo', post);
    await handled();
    const quote = await facts.answer(linus, 'quoteOf', post);
    await handled();
    await facts.repost(linus, post);
    await handled();
    const naming = facts.post(linus);
    await facts.mention(ada.id, naming);
    await handled();
    await facts.hide(post, 'spam');
    const found = await told(ada);
    expect(found.map((each) => [each.kind, names(each)[0], each.postId, each.newPostId])).toEqual([
      ['moderation', undefined, post.id, null],
      ['mention', linus.username, naming.id, null],
      ['repost', linus.username, post.id, null],
      ['quote', linus.username, post.id, quote.id],
      ['reply', grace.username, post.id, reply.id],
      ['like', grace.username, post.id, null],
      ['follow_request', linus.username, null, null],
      ['follow', grace.username, null, null],
    ]);
    expect(found[0]?.moderation).toEqual({ action: 'hidden', reason: 'spam' });
    expect(found.map(({ actorCount }) => actorCount)).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
    for (const kind of found.map((each) => each.kind)) {
      expect(await worker.metric(`notifications_sent_total{kind="${kind}"}`)).toBeGreaterThan(0);
    }
  });

  it('is nothing that you have done yourself', async () => {
    const post = facts.post(ada);
    await facts.like(ada, post);
    await facts.answer(ada, 'replyTo', post);
    await facts.mention(ada.id, post);
    await facts.repost(ada, post);
    expect(await told(ada)).toEqual([]);
  });

  it('of one post you are told once, also when it names you', async () => {
    const reply = await facts.answer(grace, 'replyTo', facts.post(ada));
    await handled();
    await facts.mention(ada.id, reply);
    expect((await told(ada)).map(({ kind }) => kind)).toEqual(['reply']);
  });

  it('a reply that only those may see whom it names is told of to them alone', async () => {
    const [secret, naming] = [facts.post(ada), facts.post(ada)];
    await facts.answer(grace, 'replyTo', secret, 'mentioned');
    const reply = await facts.answer(grace, 'replyTo', naming, 'mentioned');
    await facts.mention(ada.id, reply);
    expect((await told(ada)).map(({ kind, postId }) => [kind, postId])).toEqual([['mention', reply.id]]);
  });

  it('a post that is hidden, restored and hidden again is told of each time', async () => {
    const post = facts.post(ada);
    await facts.hide(post, 'a');
    await facts.restore(post);
    await facts.hide(post, 'b');
    const actions = (await told(ada)).map(({ moderation }) => [moderation?.action, moderation?.reason]);
    expect(actions).toEqual([
      ['hidden', 'b'],
      ['restored', null],
      ['hidden', 'a'],
    ]);
  });
});

describe('several people', () => {
  it('are one notification, newest first, and a count of them', async () => {
    const post = facts.post(ada);
    const fans = await Promise.all(Array.from({ length: 7 }, (_, i) => app.person(`fan${i}`)));
    for (const fan of fans) await facts.like(fan, post);
    await facts.like(grace, facts.post(ada));
    const [other, liked, ...more] = await told(ada);
    expect(more).toEqual([]);
    expect([liked?.actorCount, liked && names(liked)]).toEqual([
      7,
      fans
        .map(({ username }) => username)
        .reverse()
        .slice(0, 5),
    ]);
    expect(other?.actorCount).toBe(1);
    expect((await listOf(ada)).unread).toBe(2);
  });

  it('who come after you have read it are a new one', async () => {
    const post = facts.post(ada);
    await facts.like(grace, post);
    const [first] = await told(ada);
    expect((await markRead(ada, { upTo: first?.position })).status).toBe(204);
    await facts.like(linus, post);
    expect((await told(ada)).map((each) => [names(each)[0], each.read])).toEqual([
      [linus.username, false],
      [grace.username, true],
    ]);
  });

  it('who come a day later are a new one', async () => {
    const post = facts.post(ada);
    await facts.like(grace, post);
    await told(ada);
    await app.rows(
      `update realtime.notification_groups set created_at = now() - interval '25 hours' where recipient_id = $1`,
      [ada.id],
    );
    await facts.like(linus, post);
    expect((await told(ada)).map(names)).toEqual([[linus.username], [grace.username]]);
  });

  it('one who replies twice is one person, in the place of the newer reply', async () => {
    const post = facts.post(ada);
    await facts.answer(grace, 'replyTo', post);
    await facts.answer(linus, 'replyTo', post);
    await handled();
    const newest = await facts.answer(grace, 'replyTo', post);
    const [found] = await told(ada);
    expect([found && names(found), found?.actorCount, found?.newPostId]).toEqual([
      [grace.username, linus.username],
      2,
      newest.id,
    ]);
  });
});

describe('what is taken back', () => {
  it('is told no more, and told nobody anew when it is done again', async () => {
    const post = facts.post(ada);
    const socket = await here.connect(ada);
    await facts.like(linus, post);
    await facts.like(grace, post);
    await facts.unlike(grace, post);
    expect((await told(ada)).map(names)).toEqual([[linus.username]]);
    await facts.unlike(linus, post);
    await handled();
    expect(await listOf(ada)).toMatchObject({ items: [], unread: 0 });
    await facts.like(linus, post);
    expect((await told(ada)).map(names)).toEqual([[linus.username]]);
    await facts.follow(grace, ada);
    await waitFor(() => socket.of('event').some(({ data }) => (data as Notification).kind === 'follow'));
    const liked = socket.of('event').filter(({ data }) => (data as Notification).kind === 'like');
    expect(liked.length).toBeLessThanOrEqual(2);
    await socket.close();
  });

  it('is a request to follow, when it has been withdrawn or granted', async () => {
    await facts.requestFollow(grace, ada);
    await facts.requestFollow(linus, ada);
    await facts.withdrawRequest(grace, ada);
    await facts.follow(linus, ada);
    expect((await told(ada)).map((each) => [each.kind, names(each)])).toEqual([['follow', [linus.username]]]);
    await facts.unfollow(linus, ada);
    expect(await told(ada)).toEqual([]);
  });

  it('is a reply or a post, when it is deleted', async () => {
    const post = facts.post(ada);
    const reply = await facts.answer(grace, 'replyTo', post);
    const kept = await facts.answer(linus, 'replyTo', post);
    await facts.mention(linus.id, reply);
    await handled();
    expect(await told(linus)).toHaveLength(1);
    await facts.delete(reply);
    const [found] = await told(ada);
    expect([found && names(found), found?.newPostId]).toEqual([[linus.username], kept.id]);
    expect(await told(linus)).toEqual([]);
    await facts.delete(post);
    expect(await told(ada)).toEqual([]);
  });
});

describe('who is blocked or muted', () => {
  it('is heard of no more, from the moment of the block, either way', async () => {
    const [post, other] = [facts.post(ada), facts.post(grace)];
    await facts.like(grace, post);
    await facts.like(linus, post);
    await facts.like(ada, other);
    await handled();
    await facts.block(ada, grace);
    expect((await told(ada)).map(names)).toEqual([[linus.username]]);
    expect(await told(grace)).toEqual([]);
    await facts.answer(grace, 'replyTo', post);
    await facts.answer(ada, 'replyTo', other);
    expect((await told(ada)).map(names)).toEqual([[linus.username]]);
    expect(await told(grace)).toEqual([]);
    await facts.unblock(ada, grace);
    await handled();
    await facts.repost(grace, post);
    expect((await told(ada)).map(({ kind }) => kind)).toEqual(['repost', 'like']);
  });

  it('and muted: one way only', async () => {
    await facts.mute(ada, grace);
    await handled();
    await facts.like(grace, facts.post(ada));
    await facts.like(ada, facts.post(grace));
    expect(await told(ada)).toEqual([]);
    expect(await told(grace)).toHaveLength(1);
  });
});

describe('somebody who is gone', () => {
  it('is in no table any more, as whoever was told or who did it, and nothing brings them back', async () => {
    const post = facts.post(ada);
    await facts.like(grace, post);
    await facts.like(linus, post);
    await facts.like(ada, facts.post(grace));
    await facts.block(linus, grace);
    await here.send(grace, 'PATCH /api/v1/realtime/notifications/settings', { timeZone: 'Europe/Berlin' });
    await handled();
    await facts.goodbye(grace);
    expect((await told(ada)).map((each) => [names(each), each.actorCount])).toEqual([[[linus.username], 1]]);
    await facts.like(ada, facts.post(grace));
    await facts.answer(grace, 'replyTo', post);
    await handled();
    expect(await listOf(grace)).toMatchObject({ items: [], unread: 0 });
    expect(await told(ada)).toHaveLength(1);
    const tables = await app.rows<{ name: string }>(
      `select table_name as name from information_schema.tables where table_schema = 'realtime'`,
    );
    const kept: string[] = [];
    for (const { name } of tables) {
      const found = await app.rows(`select from realtime.${name} t where t::text like '%' || $1 || '%'`, [
        grace.id,
      ]);
      if (found.length > 0) kept.push(name);
    }
    // The id alone, so that what comes late is known to be of nobody.
    expect(kept).toEqual(['recipients']);
  });
});

describe('settings', () => {
  const path = '/api/v1/realtime/notifications/settings';

  it('are those of everybody until they are changed, one by one', async () => {
    const { status, json: before } = await here.send(ada, `GET ${path}`);
    expect([status, before.quietHours, before.timeZone, before.digestHour]).toEqual([200, null, 'UTC', 8]);
    expect(before.kinds.reply).toEqual({ inApp: true, push: true, mail: false });
    const changes = [
      { kinds: { like: { push: true }, reply: { mail: true } } },
      { kinds: { like: { inApp: false } }, quietHours: { from: '22:00', to: '07:30' } },
      { timeZone: 'Europe/Berlin', digestHour: 18 },
    ];
    let json = before;
    for (const change of changes) ({ json } = await here.send(ada, `PATCH ${path}`, change));
    expect(json).toEqual({
      kinds: {
        ...before.kinds,
        like: { ...before.kinds.like, push: true, inApp: false },
        reply: { ...before.kinds.reply, mail: true },
      },
      quietHours: { from: '22:00', to: '07:30' },
      timeZone: 'Europe/Berlin',
      digestHour: 18,
    });
    expect((await here.send(ada, `GET ${path}`)).json).toEqual(json);
    expect((await here.send(ada, `PATCH ${path}`, { quietHours: null })).json.quietHours).toBeNull();
    expect((await here.send(grace, `GET ${path}`)).json).toEqual(before);
  });

  it('changed at once lose nothing of each other', async () => {
    const kinds = ['follow', 'like', 'reply', 'mention', 'repost', 'quote'];
    await Promise.all(
      kinds.map((kind) => here.send(ada, `PATCH ${path}`, { kinds: { [kind]: { mail: true } } })),
    );
    const { json } = await here.send(ada, `GET ${path}`);
    expect(kinds.map((kind) => json.kinds[kind].mail)).toEqual(kinds.map(() => true));
  });

  it('a kind that is not wanted in the app is neither listed nor counted nor announced', async () => {
    await here.send(ada, `PATCH ${path}`, { kinds: { like: { inApp: false } } });
    const socket = await here.connect(ada);
    await facts.like(grace, facts.post(ada));
    await facts.follow(grace, ada);
    await socket.next('event');
    expect((await told(ada)).map(({ kind }) => kind)).toEqual(['follow']);
    expect((await listOf(ada)).unread).toBe(1);
    expect(socket.of('event').map(({ data }) => (data as Notification).kind)).toEqual(['follow']);
    await socket.close();
  });

  it.each([
    ['an unknown kind', { kinds: { poke: { push: true } } }],
    ['an unknown way', { kinds: { like: { pigeon: true } } }],
    ['no time', { quietHours: { from: '25:00', to: '07:00' } }],
    ['hours without end', { quietHours: { from: '07:00', to: '07:00' } }],
    ['no zone', { timeZone: 'Mars/Olympus' }],
    ['no hour', { digestHour: 24 }],
    ['an unknown field', { volume: 11 }],
  ])('refuse %s', async (_, body) => {
    const { status, json } = await here.send(ada, `PATCH ${path}`, body);
    expect([status, json.code]).toEqual([400, 'VALIDATION_FAILED']);
  });
});

describe('marking as read', () => {
  it('takes ids, a position or both', async () => {
    const posts = [facts.post(ada), facts.post(ada), facts.post(ada)];
    for (const post of posts) {
      await facts.like(grace, post);
      await handled();
    }
    const [third, second, first] = (await told(ada)) as [Notification, Notification, Notification];
    const readIds = async () => (await told(ada)).filter(({ read }) => read).map(({ id }) => id);
    await markRead(ada, { ids: [third.id], upTo: second.position });
    expect(await readIds()).toEqual([]);
    await markRead(ada, { ids: [second.id] });
    expect(await readIds()).toEqual([second.id]);
    await markRead(ada, { upTo: second.position });
    expect(await readIds()).toEqual([second.id, first.id]);
    await markRead(grace, { upTo: third.position });
    expect((await listOf(ada)).unread).toBe(1);
  });

  it.each([
    ['nothing', {}],
    ['no ids', { ids: [] }],
    ['too many', { ids: Array.from({ length: 101 }, () => randomUUID()) }],
    ['what is no id', { ids: ['1'] }],
    ['what is no position', { upTo: -1 }],
    ['an unknown field', { upTo: 1, all: true }],
  ])('refuses %s', async (_what, body) => {
    const { status, json } = await markRead(ada, body);
    expect([status, json.code]).toEqual([400, 'VALIDATION_FAILED']);
  });
});
