import { mailRequested, streams } from '@rostrum/contracts';
import { createDatabase, createOutbox, type Database } from '@rostrum/data-access';
import { createEventPublisher, type EventPublisher } from '@rostrum/service-kit';
import { publishedEvents, waitFor } from '@rostrum/testing';
import { Digests } from '../src/digest/digests';
import { Facts } from './facts';
import { RealtimeApp, type Instance, type Person } from './realtime-app';

const settings = 'PATCH /api/v1/realtime/notifications/settings';

let app: RealtimeApp;
let facts: Facts;
let here: Instance;
let database: Database;
let publisher: EventPublisher;
let ada: Person;
let grace: Person;

beforeEach(async () => {
  app = await RealtimeApp.create({ environment: { DIGEST_POLL_MS: '3600000' } });
  facts = new Facts(app);
  [here] = await Promise.all([app.instance(), app.worker()]);
  database = createDatabase({ url: app.database.url, max: 4 });
  publisher = createEventPublisher(createOutbox({ database, schema: 'realtime' }));
  [ada, grace] = await Promise.all([app.person('ada'), app.person('grace')]);
});
afterEach(async () => {
  await database.close();
  await app.stop();
});

const nothing = { digestRequested: () => undefined };
const roundAt = (at: string) =>
  new Digests({ database, publisher, events: nothing }, () => new Date(at)).round();
const requests = async () => {
  const rows = await app.rows(
    `select payload from realtime.outbox where type = 'mail.requested' order by position`,
  );
  return rows.map(({ payload }) => mailRequested.payload.parse(payload));
};
const handled = () => app.allHandled();

async function wantsMail(person: Person, more: object = {}): Promise<void> {
  const kinds = { like: { mail: true }, reply: { mail: true } };
  expect((await here.send(person, settings, { kinds, ...more })).status).toBe(200);
}

it('says once a day, from the hour on, where the person is, how much of what is unread', async () => {
  await wantsMail(ada, { timeZone: 'Asia/Tokyo', digestHour: 18 });
  const [first, second] = [facts.post(ada), facts.post(ada)];
  for (const post of [first, second]) await facts.like(grace, post);
  await facts.answer(grace, 'replyTo', first);
  // Nobody wants to be written to about followers.
  await facts.follow(grace, ada);
  await handled();
  await roundAt('2026-12-01T08:59:59Z');
  expect(await requests()).toEqual([]);
  await roundAt('2026-12-01T09:00:00Z');
  await roundAt('2026-12-01T09:05:00Z');
  await roundAt('2026-12-01T14:59:00Z');
  const asked = { userId: ada.id, mail: 'notification-digest', requestedAt: expect.any(String) };
  expect(await requests()).toEqual([{ ...asked, unread: { like: 2, reply: 1 } }]);
  await roundAt('2026-12-02T09:00:00Z');
  expect(await requests()).toHaveLength(1);
  await facts.like(await app.person('linus'), second);
  await handled();
  await roundAt('2026-12-02T14:00:00Z');
  expect(await requests()).toHaveLength(1);
  await roundAt('2026-12-03T09:00:00Z');
  expect((await requests())[1]).toEqual({ ...asked, unread: { like: 1 } });
});

it('is not for those who have read everything, or want no mail', async () => {
  await wantsMail(ada, { digestHour: 0 });
  await facts.like(grace, facts.post(ada));
  await facts.like(ada, facts.post(grace));
  await handled();
  const { json } = await here.send(ada, 'GET /api/v1/realtime/notifications');
  await here.send(ada, 'POST /api/v1/realtime/notifications/read', { upTo: json.items[0].position });
  await roundAt('2026-12-01T09:00:00Z');
  expect(await requests()).toEqual([]);
});

it('is asked for once by any number of workers at once', async () => {
  const people = await Promise.all(Array.from({ length: 8 }, (_, i) => app.person(`p${i}`)));
  for (const person of people) {
    await wantsMail(person, { digestHour: 0 });
    await facts.like(grace, facts.post(person));
  }
  await handled();
  await Promise.all(['2026-12-01T09:00:00Z', '2026-12-01T09:00:01Z', '2026-12-01T09:00:02Z'].map(roundAt));
  const asked = (await requests()).map(({ userId }) => userId);
  expect(asked.sort()).toEqual(people.map(({ id }) => id).sort());
});

it('of a worker that died before its commit is asked for by the next', async () => {
  await wantsMail(ada, { digestHour: 0 });
  await facts.like(grace, facts.post(ada));
  await handled();
  const dying = { publish: () => Promise.reject(new Error('killed')) };
  const round = new Digests(
    { database, publisher: dying, events: nothing },
    () => new Date('2026-12-01T09:00:00Z'),
  );
  await expect(round.round()).rejects.toThrow('killed');
  expect(await app.rows('select from realtime.digests')).toEqual([]);
  await roundAt('2026-12-01T09:01:00Z');
  expect(await requests()).toHaveLength(1);
});

it('is published for auth by the worker, and says nothing of who did what', async () => {
  await wantsMail(ada, { digestHour: 0 });
  await facts.like(grace, facts.post(ada));
  await handled();
  const second = await app.worker({ DIGEST_POLL_MS: '50' });
  const [event] = await waitFor(
    async () => {
      const found = await publishedEvents(app.bus, streams.realtime);
      return found.length > 0 && found;
    },
    { what: 'the event', timeoutMs: 20_000 },
  );
  expect([event?.type, event?.key]).toEqual(['mail.requested', ada.id]);
  mailRequested.payload.strict().parse(event?.payload);
  expect(JSON.stringify(event?.payload)).not.toContain(grace.id);
  await waitFor(async () => (await second.metric('digests_requested_total')) === 1);
});
