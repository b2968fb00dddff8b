import { randomUUID } from 'node:crypto';
import type { Notification } from '@rostrum/contracts';
import type { Facts } from './facts';
import { NotificationScene } from './notification-scene';
import type { Instance, Person } from './realtime-app';

let scene: NotificationScene;
let facts: Facts;
let here: Instance;
let ada: Person;
let grace: Person;

beforeAll(async () => {
  scene = await NotificationScene.open();
  ({ facts, here } = scene);
});
afterAll(() => scene.close());
beforeEach(async () => {
  [ada, grace] = await scene.people();
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
    expect((await scene.told(ada)).map(({ kind }) => kind)).toEqual(['follow']);
    expect((await scene.listOf(ada)).unread).toBe(1);
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
      await scene.app.allHandled();
    }
    const [third, second, first] = (await scene.told(ada)) as [Notification, Notification, Notification];
    const readIds = async () => (await scene.told(ada)).filter(({ read }) => read).map(({ id }) => id);
    await scene.markRead(ada, { ids: [third.id], upTo: second.position });
    expect(await readIds()).toEqual([]);
    await scene.markRead(ada, { ids: [second.id] });
    expect(await readIds()).toEqual([second.id]);
    await scene.markRead(ada, { upTo: second.position });
    expect(await readIds()).toEqual([second.id, first.id]);
    await scene.markRead(grace, { upTo: third.position });
    expect((await scene.listOf(ada)).unread).toBe(1);
  });

  it.each([
    ['nothing', {}],
    ['no ids', { ids: [] }],
    ['too many', { ids: Array.from({ length: 101 }, () => randomUUID()) }],
    ['what is no id', { ids: ['1'] }],
    ['what is no position', { upTo: -1 }],
    ['an unknown field', { upTo: 1, all: true }],
  ])('refuses %s', async (_what, body) => {
    const { status, json } = await scene.markRead(ada, body);
    expect([status, json.code]).toEqual([400, 'VALIDATION_FAILED']);
  });
});
