import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { ConfigError, readConfig } from '@rostrum/config';
import { waitFor } from '@rostrum/testing';
import { mainSettings } from '../src/config';
import { minuteOfDay, toTime } from '../src/settings/quiet-hours';
import { Facts } from './facts';
import { Browser, PushService, vapidClaims } from './push-service';
import { RealtimeApp, type Instance, type Person } from './realtime-app';

const subscriptions = '/api/v1/realtime/push/subscriptions';
const settings = '/api/v1/realtime/notifications/settings';

let service: PushService;
let otherService: PushService;
let app: RealtimeApp;
let facts: Facts;
let here: Instance;
let worker: Instance;
let ada: Person;
let grace: Person;

beforeAll(async () => {
  [service, otherService] = await Promise.all([PushService.open(), PushService.open()]);
  const { d = '' } = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
  const environment = {
    VAPID_PRIVATE_KEY: d,
    VAPID_SUBJECT: 'mailto:ops@rostrum.test',
    PUSH_SERVICES: `${service.origin},${otherService.origin}`,
    PUSH_FIRST_RETRY: '0',
    BREAKER_HALF_OPEN_AFTER_MS: '3000',
  };
  app = await RealtimeApp.create({ environment });
  facts = new Facts(app);
  [here, worker] = await Promise.all([app.instance(), app.worker()]);
});
afterAll(async () => {
  await app.stop();
  await Promise.all([service.close(), otherService.close()]);
});
beforeEach(async () => {
  service.answer = () => ({ status: 201 });
  [ada, grace] = await Promise.all([app.person('ada'), app.person('grace')]);
});

async function browserOf(person: Person, { origin } = service): Promise<Browser> {
  const browser = new Browser(origin);
  expect((await here.send(person, `POST ${subscriptions}`, browser.subscription)).status).toBe(201);
  return browser;
}

const arrived = (browser: Browser, count = 1) =>
  waitFor(() => service.to(browser).length >= count && service.to(browser).at(-1), {
    what: `${count} pushes`,
    timeoutMs: 20_000,
  });
const subscribed = ({ id }: Person) =>
  app.rows('select * from realtime.push_subscriptions where user_id = $1', [id]);
const waiting = ({ id }: Person) =>
  app.rows('select * from realtime.notification_deliveries where recipient_id = $1', [id]);
const allTold = async () => {
  await app.allHandled();
  await waitFor(
    async () =>
      (await app.rows('select from realtime.notification_deliveries where due_at <= now()')).length === 0 &&
      (await app.rows('select from realtime.push_messages')).length === 0,
    { what: 'everything to be told', timeoutMs: 20_000 },
  );
};

describe('whoever is not here', () => {
  it('is sent who did what, readable by their browser alone, signed with the key that it was told', async () => {
    const browser = await browserOf(ada);
    const post = facts.post(ada);
    const sent = await worker.metric('push_messages_total{outcome="sent"}');
    await facts.answer(grace, 'replyTo', post);
    const push = await arrived(browser);
    const [group] = await app.rows('select id from realtime.notification_groups where recipient_id = $1', [
      ada.id,
    ]);
    expect(browser.read(push)).toEqual({
      ...{ id: group?.['id'], position: expect.any(Number), kind: 'reply' },
      ...{ actor: grace.username, actorCount: 1, postId: post.id },
    });
    expect(push.body.toString('latin1')).not.toContain(grace.username);
    expect(() => new Browser(service.origin).read(push)).toThrow();
    const { json } = await here.send(ada, 'GET /api/v1/realtime/push/key');
    expect(vapidClaims(push, json.publicKey)).toMatchObject({
      aud: service.origin,
      sub: 'mailto:ops@rostrum.test',
    });
    expect(push.headers).toMatchObject({ ttl: '86400', urgency: 'normal' });
    await allTold();
    expect(service.to(browser)).toHaveLength(1);
    await waitFor(async () => (await worker.metric('push_messages_total{outcome="sent"}')) === sent + 1);
    expect(app.log.text()).not.toContain(browser.path);
  });

  it('is not woken for what they do not want, nor while they are here', async () => {
    const browser = await browserOf(ada);
    await facts.like(grace, facts.post(ada));
    await allTold();
    const socket = await here.connect(ada);
    await facts.follow(grace, ada);
    await socket.next('event', 1);
    await allTold();
    expect(service.to(browser)).toEqual([]);
    await socket.close();
    await waitFor(async () => {
      const { json } = await here.send(grace, `GET /api/v1/realtime/presence/${ada.id}`);
      return json.online === false;
    });
    await here.send(ada, `PATCH ${settings}`, { kinds: { like: { push: true } } });
    const post = facts.post(ada);
    await facts.like(grace, post);
    expect(browser.read(await arrived(browser))).toMatchObject({ kind: 'like', postId: post.id });
  });

  it('is not woken at night, but told in the morning of what they have not read', async () => {
    const browser = await browserOf(ada);
    const now = minuteOfDay(new Date(), 'Asia/Tokyo');
    const quietHours = { from: toTime((now + 1440 - 60) % 1440), to: toTime((now + 60) % 1440) };
    await here.send(ada, `PATCH ${settings}`, { quietHours, timeZone: 'Asia/Tokyo' });
    await facts.follow(grace, ada);
    await facts.mention(ada.id, facts.post(grace));
    const [first] = await waitFor(async () => {
      const rows = await waiting(ada);
      return rows.length === 2 && rows.every(({ announced }) => announced) && rows;
    });
    const minutes = ((first?.['due_at'] as Date).getTime() - Date.now()) / 60_000;
    expect(minutes).toBeGreaterThan(55);
    expect(minutes).toBeLessThanOrEqual(61);
    expect(service.to(browser)).toEqual([]);
    const listed = await here.send(ada, 'GET /api/v1/realtime/notifications');
    const followed = listed.json.items.find(({ kind }: { kind: string }) => kind === 'follow');
    await here.send(ada, 'POST /api/v1/realtime/notifications/read', { ids: [followed.id] });
    await here.send(ada, `PATCH ${settings}`, { quietHours: null });
    await app.rows('update realtime.notification_deliveries set due_at = now() where recipient_id = $1', [
      ada.id,
    ]);
    expect(browser.read(await arrived(browser))).toMatchObject({ kind: 'mention' });
    await allTold();
    expect(service.to(browser)).toHaveLength(1);
  });
});

describe('a push service', () => {
  it('that is busy or broken is asked again, and each browser is told once', async () => {
    const [first, second] = [await browserOf(ada), await browserOf(ada)];
    const answers = [503, 429, 500];
    service.answer = (path) => ({ status: path === first.path ? (answers.shift() ?? 201) : 201 });
    await facts.follow(grace, ada);
    await arrived(first, 4);
    await allTold();
    expect([service.to(first).length, service.to(second).length]).toEqual([4, 1]);
    expect(await subscribed(ada)).toHaveLength(2);
  });

  it('that fails again and again is left alone for a while; others are not, and nothing is given up', async () => {
    const [broken, whole] = [await browserOf(ada), await browserOf(grace, otherService)];
    const circuit = `{name="push_${service.origin}"}`;
    service.answer = () => ({ status: 500 });
    await facts.follow(grace, ada);
    await waitFor(async () => (await worker.metric(`circuit_breaker_rejections_total${circuit}`)) > 0);
    const tries = service.to(broken).length;
    service.answer = () => ({ status: 201 });
    await facts.follow(ada, grace);
    await waitFor(() => otherService.to(whole).length === 1);
    await arrived(broken, tries + 1);
    await allTold();
    expect(tries).toBeLessThan(8);
    expect(service.to(broken)).toHaveLength(tries + 1);
  });

  it('that says when to come back is left alone until then', async () => {
    const browser = await browserOf(ada);
    service.answer = () => ({ status: 429, headers: { 'retry-after': '600' } });
    await facts.follow(grace, ada);
    await arrived(browser);
    const [message] = await waitFor(async () => {
      const rows = await app.rows(
        `select extract(epoch from m.due_at - now())::int as seconds from realtime.push_messages m
           join realtime.push_subscriptions s on s.id = m.subscription_id where s.user_id = $1`,
        [ada.id],
      );
      return Number(rows[0]?.['seconds']) > 500 && rows;
    });
    expect(message?.['seconds']).toBeLessThanOrEqual(600);
    await app.rows('delete from realtime.push_messages');
  });

  it.each([404, 410])('that knows a subscription no more (%i) ends it', async (status) => {
    const browser = await browserOf(ada);
    const kept = await browserOf(ada);
    service.answer = (path) => ({ status: path === browser.path ? status : 201 });
    await facts.follow(grace, ada);
    await arrived(browser);
    await arrived(kept);
    await waitFor(async () => (await subscribed(ada)).length === 1);
    await allTold();
  });

  it('that refuses a push for good is not asked again', async () => {
    const browser = await browserOf(ada);
    service.answer = () => ({ status: 413 });
    await facts.follow(grace, ada);
    await arrived(browser);
    await allTold();
    expect([service.to(browser).length, (await subscribed(ada)).length]).toEqual([1, 1]);
  });

  it('is sent nothing by a worker that does not know it any more', async () => {
    const browser = await browserOf(ada);
    await app.rows(
      `update realtime.push_subscriptions set endpoint = replace(endpoint, '127.0.0.1', 'localhost')
        where user_id = $1`,
      [ada.id],
    );
    await facts.follow(grace, ada);
    await waitFor(async () => (await subscribed(ada)).length === 0);
    expect(service.to(browser)).toEqual([]);
  });

  it('is told of nothing that was read before', async () => {
    const browser = await browserOf(ada);
    service.answer = () => ({ status: 503, headers: { 'retry-after': '600' } });
    await facts.follow(grace, ada);
    await arrived(browser);
    await waitFor(async () => {
      const rows = await app.rows(
        `select from realtime.push_messages where due_at > now() + interval '5 minutes'`,
      );
      return rows.length > 0;
    });
    const { json } = await here.send(ada, 'GET /api/v1/realtime/notifications');
    await here.send(ada, 'POST /api/v1/realtime/notifications/read', { upTo: json.items[0].position });
    await app.rows('update realtime.push_messages set due_at = now()');
    await allTold();
    expect(service.to(browser)).toHaveLength(1);
  });
});

describe('a subscription', () => {
  it('may be made again, and ended', async () => {
    const browser = new Browser(service.origin);
    const again = [1, 2].map(() => here.send(ada, `POST ${subscriptions}`, browser.subscription));
    const [one, two] = await Promise.all(again);
    expect(one?.json.id).toBe(two?.json.id);
    const { endpoint } = browser.subscription;
    expect((await here.send(grace, `DELETE ${subscriptions}`, { endpoint })).status).toBe(204);
    expect(await subscribed(ada)).toHaveLength(1);
    expect((await here.send(ada, `DELETE ${subscriptions}`, { endpoint })).status).toBe(204);
    expect((await here.send(ada, `DELETE ${subscriptions}`, { endpoint })).status).toBe(204);
    expect(await subscribed(ada)).toEqual([]);
  });

  it('of a browser is of whoever signed in there last', async () => {
    const browser = await browserOf(ada);
    expect((await here.send(grace, `POST ${subscriptions}`, browser.subscription)).status).toBe(201);
    await facts.follow(grace, ada);
    await facts.follow(ada, grace);
    expect(browser.read(await arrived(browser))).toMatchObject({ actor: ada.username });
    await allTold();
    expect(service.to(browser)).toHaveLength(1);
  });

  it('ends with the session that made it', async () => {
    const sessionId = '0190b5a0-0000-4000-8000-000000000001';
    const token = await app.tokens.sign({ userId: ada.id, username: ada.username, sessionId });
    await browserOf({ ...ada, token });
    await browserOf(ada);
    app.tokens.revoke('session', sessionId);
    await waitFor(async () => (await subscribed(ada)).length === 1, { what: 'its end', timeoutMs: 20_000 });
  });

  it('makes the oldest go when there are more than 20', async () => {
    const browsers: Browser[] = [];
    for (let i = 0; i < 21; i += 1) browsers.push(await browserOf(ada));
    const endpoints = (await subscribed(ada)).map((row) => row['endpoint']);
    expect(endpoints).toHaveLength(20);
    expect(endpoints).not.toContain(browsers[0]?.subscription.endpoint);
  });

  it.each([
    'http://127.0.0.1:1/push',
    'https://127.0.0.1/push',
    'https://169.254.169.254/latest/meta-data',
    'https://push.example.org/x',
    'http://localhost/push',
  ])('to %s is refused', async (endpoint) => {
    const { status, json } = await here.send(ada, `POST ${subscriptions}`, {
      ...new Browser(service.origin).subscription,
      endpoint,
    });
    expect([status, json.code]).toEqual([400, 'PUSH_ENDPOINT_REFUSED']);
  });

  it('with a key that is no point is refused', async () => {
    const { subscription } = new Browser(service.origin);
    const p256dh = Buffer.concat([Buffer.from([4]), randomBytes(64)]).toString('base64url');
    const { status, json } = await here.send(ada, `POST ${subscriptions}`, {
      ...subscription,
      keys: { ...subscription.keys, p256dh },
    });
    expect([status, json.code]).toEqual([400, 'PUSH_KEY_INVALID']);
  });

  it.each([
    ['no keys', { keys: undefined }],
    ['a short secret', { keys: { p256dh: 'a'.repeat(87), auth: 'b' } }],
    ['no address', { endpoint: 'push' }],
    ['an unknown field', { topic: 'x' }],
  ])('with %s is refused', async (_, change) => {
    const body = { ...new Browser(service.origin).subscription, ...change };
    const { status, json } = await here.send(ada, `POST ${subscriptions}`, body);
    expect([status, json.code]).toEqual([400, 'VALIDATION_FAILED']);
  });
});

describe('the key', () => {
  const given = { ENVIRONMENT: 'production', VAPID_SUBJECT: 'mailto:a@b.test' };

  it('is needed in production', () => {
    const read = () => readConfig({ ...mainSettings }, given);
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(/VAPID_PRIVATE_KEY is missing/);
  });
});
