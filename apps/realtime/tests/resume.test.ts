import { randomUUID } from 'node:crypto';
import { waitFor } from '@rostrum/testing';
import { Facts } from './facts';
import type { LiveClient } from './live-client';
import { RealtimeApp, type Instance, type Person } from './realtime-app';

const maxEvents = 30;

let app: RealtimeApp;
let here: Instance;
let there: Instance;
let ada: Person;

beforeAll(async () => {
  app = await RealtimeApp.create({
    environment: { LIVE_LOG_EVENTS: String(maxEvents), WEBSOCKET_HEARTBEAT_SECONDS: '1' },
    live: { maxEvents },
  });
  [here, there] = await Promise.all([app.instance(), app.instance()]);
});
afterAll(() => app.stop());
beforeEach(async () => {
  ada = await app.person('ada');
});

const publish = async (count: number) => {
  const ids: string[] = [];
  while (ids.length < count) ids.push(await app.publishToUser(ada));
  return ids;
};
const idsOf = (client: LiveClient) => client.of('event').map(({ id }) => id);
const resumes = (outcome: string) => there.metric(`realtime_resumes_total{outcome="${outcome}"}`);

/** Subscribes, is cut off, and resolves to the position that the client has then. */
async function beenHere() {
  const client = await here.connect(ada, { channels: [] });
  const { epoch } = await client.subscribe('user:me');
  const seen = await publish(3);
  const { offset = 0 } = await client.next('event', 3);
  client.socket.terminate();
  return { epoch, offset, seen };
}

describe('a client that comes back', () => {
  it('to another process is told what it has missed, in order, and goes on', async () => {
    const { epoch, offset } = await beenHere();
    const missed = await publish(10);
    const client = await there.connect(ada, { channels: [] });
    const answer = await client.subscribe('user:me', { epoch, offset });
    expect(answer).toMatchObject({ epoch, offset, recovered: true });
    const later = await publish(5);
    await client.next('event', 15);
    expect(idsOf(client)).toEqual([...missed, ...later]);
    expect(client.of('event').map((each) => each.offset)).toEqual(
      Array.from({ length: 15 }, (_, i) => i + 4),
    );
    await client.close();
  });

  it('having missed nothing is told so, also after a long silence', async () => {
    const { epoch, offset } = await beenHere();
    await app.redis.del(`realtime:{user:${ada.id}}:log`);
    const client = await there.connect(ada, { channels: [] });
    expect(await client.subscribe('user:me', { epoch, offset })).toMatchObject({ offset, recovered: true });
    await client.close();
  });

  it('resumes many channels with one message', async () => {
    const { epoch, offset } = await beenHere();
    const post = `post:${randomUUID()}`;
    const missed = await publish(2);
    const client = await there.connect(ada, { channels: [] });
    const answer = await client.ask({
      type: 'resume',
      channels: [
        { channel: 'user:me', epoch, offset },
        { channel: post, epoch: 'of another time', offset: 7 },
      ],
    });
    expect(answer.type).toBe('ok');
    expect(idsOf(client)).toEqual(missed);
    const told = client.of('subscribed').map(({ channel, recovered }) => [channel, recovered]);
    expect(new Map(told as [string, boolean][])).toEqual(
      new Map([
        ['user:me', true],
        [post, false],
      ]),
    );
    expect(client.of('gap')).toMatchObject([{ channel: post, reason: 'new_epoch', from: 0, to: 0 }]);
    await client.close();
  });

  it('without a memory goes on from what its session has acknowledged, once written down', async () => {
    const client = await here.connect(ada);
    const ids = await publish(5);
    await client.next('event', 5);
    expect((await client.ask({ type: 'ack', channel: 'user:me', offset: 2 })).type).toBe('ok');
    const tooFar = await client.ask({ type: 'ack', channel: 'user:me', offset: 6 });
    expect(tooFar).toMatchObject({ type: 'error', code: 'INVALID_MESSAGE' });
    await waitFor(async () => (await app.redis.keys('realtime:acks:*')).length > 0);
    client.socket.terminate();
    const again = await there.connect(ada, { channels: [] });
    expect(await again.subscribe('user:me', 'acked')).toMatchObject({ offset: 2, recovered: true });
    await again.next('event', 3);
    expect(idsOf(again)).toEqual(ids.slice(2));
    await again.close();
    const stranger = await app.person('stranger');
    const fresh = await there.connect(stranger, { channels: [] });
    expect(await fresh.subscribe('user:me', 'acked')).toMatchObject({ offset: 0, recovered: false });
    await fresh.close();
  });
});

describe('what the log has no more', () => {
  it('is told as a gap, and the rest comes', async () => {
    const post = randomUUID();
    const first = await here.connect(ada, { channels: [] });
    const { epoch } = await first.subscribe(`post:${post}`);
    const ids = [];
    for (let i = 0; i < maxEvents + 10; i += 1) ids.push(await app.publishTo(`post:${post}`));
    const client = await there.connect(ada, { channels: [] });
    const before = await resumes('gap');
    const answer = await client.subscribe(`post:${post}`, { epoch, offset: 4 });
    expect(answer).toMatchObject({ offset: 10, recovered: false });
    await client.next('event', maxEvents);
    expect(client.of('gap')).toEqual([
      { type: 'gap', channel: `post:${post}`, epoch, from: 5, to: 10, reason: 'trimmed' },
    ]);
    expect(idsOf(client)).toEqual(ids.slice(10));
    expect(await resumes('gap')).toBe(before + 1);
    for (const each of [first, client]) await each.close();
  });

  it('of notifications comes from PostgreSQL', async () => {
    await app.worker();
    const facts = new Facts(app);
    const { epoch, offset, seen } = await beenHere();
    const follower = await app.person('grace');
    await facts.follow(follower, ada);
    const rowsOfAda = (table: string) =>
      app.rows(`select * from realtime.${table} where recipient_id = $1`, [ada.id]);
    await waitFor(async () => (await rowsOfAda('notification_groups')).length === 1);
    await waitFor(async () =>
      (await rowsOfAda('notification_deliveries')).every(({ announced }) => announced),
    );
    await publish(maxEvents + 5);
    const client = await there.connect(ada, { channels: [] });
    const answer = await client.subscribe('user:me', { epoch, offset, last: seen.at(-1) });
    expect(answer).toMatchObject({ recovered: true });
    await client.next('event', maxEvents + 1);
    expect(client.of('gap')).toEqual([]);
    const stored = client.of('event').filter((each) => each.offset === undefined);
    expect(stored).toMatchObject([{ name: 'notification.created', data: { kind: 'follow' } }]);
    await client.close();
  });
});

describe('clients that come back at once', () => {
  it('cost PostgreSQL nothing while the log has what they missed', async () => {
    const { epoch, offset } = await beenHere();
    await publish(5);
    const queries = async () => {
      const text = await (await fetch(`${there.opsUrl}/metrics`)).text();
      // All but the checks of health, which go on meanwhile.
      const counts = text.matchAll(/^db_query_duration_seconds_count\{.*notification.* (\d+)$/gm);
      return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
    };
    await there.send(ada, 'GET /api/v1/realtime/notifications');
    const before = await queries();
    expect(before).toBeGreaterThan(0);
    const clients = await Promise.all(Array.from({ length: 15 }, () => there.connect(ada, { channels: [] })));
    await Promise.all(clients.map((client) => client.subscribe('user:me', { epoch, offset })));
    for (const client of clients) await client.next('event', 5);
    expect(await queries()).toBe(before);
    for (const client of clients) await client.close();
  });
});
