import { createDatabase, type Database } from '@rostrum/data-access';
import { waitFor } from '@rostrum/testing';
import { Deliveries } from '../src/notifications/deliveries';
import { Notifier } from '../src/notifications/notifier';
import { Facts } from './facts';
import { RealtimeApp, type Instance, type Person } from './realtime-app';

let app: RealtimeApp;
let here: Instance;
let database: Database;
let ada: Person;
let grace: Person;

beforeEach(async () => {
  app = await RealtimeApp.create();
  here = await app.instance();
  database = createDatabase({ url: app.database.url, max: 2 });
  [ada, grace] = await Promise.all([app.person('ada'), app.person('grace')]);
});
afterEach(async () => {
  await database.close();
  await app.stop();
});

/** What a worker leaves that is killed right after a commit. */
async function committedOnly(): Promise<void> {
  const notifier = new Notifier({
    events: { notificationSent: () => undefined },
    posts: { viewers: (_postId, viewerIds) => Promise.resolve([...viewerIds]) },
    onDue: () => undefined,
  });
  const { id: subjectId } = new Facts(app).post(ada);
  const deed = { kind: 'like' as const, recipientId: ada.id, actor: grace, subjectId, at: new Date() };
  await database.transaction((trx) => notifier.tell(trx, deed));
}

const waiting = () => app.rows('select * from realtime.notification_deliveries');
const allTold = () => waitFor(async () => (await waiting()).length === 0, { what: 'everything to be told' });

it('one that was never announced, because its worker died after the commit, is announced by the next', async () => {
  const socket = await here.connect(ada);
  await committedOnly();
  expect(await waiting()).toHaveLength(1);
  await app.worker();
  expect(await socket.next('event')).toMatchObject({ name: 'notification.created', data: { kind: 'like' } });
  await allTold();
  await socket.close();
});

it('one whose worker died before it could say that it was done is announced again, as the same event', async () => {
  const socket = await here.connect(ada);
  await committedOnly();
  const announced: string[] = [];
  const dying = new Deliveries({
    database,
    live: { toUser: async (_userId, { id }) => void announced.push(id) },
    next: { after: () => Promise.reject(new Error('killed')) },
    onError: () => undefined,
  });
  await dying.round();
  expect(announced).toHaveLength(1);
  // Its lease holds others off for a while.
  await app.rows('update realtime.notification_deliveries set due_at = now()');
  await app.worker();
  expect((await socket.next('event')).id).toBe(announced[0]);
  await allTold();
  await socket.close();
});

it('several workers tell of each once', async () => {
  const facts = new Facts(app);
  const socket = await here.connect(ada);
  await Promise.all([app.worker(), app.worker()]);
  const posts = Array.from({ length: 30 }, () => facts.post(ada));
  for (const post of posts) await facts.like(grace, post);
  await socket.next('event', posts.length);
  await allTold();
  await socket.roundTrip();
  const ids = socket.of('event').map(({ id }) => id);
  expect([ids.length, new Set(ids).size]).toEqual([30, 30]);
  await socket.close();
});

it('what has been taken back or read before it could be told is not told', async () => {
  await committedOnly();
  await app.rows('update realtime.notification_groups set read_at = now()');
  const socket = await here.connect(ada);
  await app.worker();
  await allTold();
  await socket.roundTrip();
  expect(socket.of('event')).toEqual([]);
  await socket.close();
});

it('what nobody has touched for 90 days is removed, and what is younger stays', async () => {
  await committedOnly();
  await committedOnly();
  const [old] = await app.rows('select id from realtime.notification_groups order by position');
  await app.rows(
    `update realtime.notification_groups
        set updated_at = now() - case when id = $1 then interval '91 days' else interval '89 days' end`,
    [old?.['id']],
  );
  await app.worker();
  await waitFor(async () => (await app.rows('select from realtime.notification_groups')).length === 1);
  expect(await app.rows('select group_id as id from realtime.notification_deeds')).not.toContainEqual(old);
});
