import { waitFor } from '@rostrum/testing';
import { minuteOfDay, toTime } from '../src/settings/quiet-hours';
import type { Facts } from './facts';
import { PushScene } from './push-scene';
import { Browser, vapidClaims, type PushService } from './push-service';
import type { Instance, Person, RealtimeApp } from './realtime-app';

const settings = '/api/v1/realtime/notifications/settings';

let scene: PushScene;
let service: PushService;
let otherService: PushService;
let app: RealtimeApp;
let facts: Facts;
let here: Instance;
let worker: Instance;
let ada: Person;
let grace: Person;

beforeAll(async () => {
  scene = await PushScene.open();
  ({ app, facts, here, worker } = scene);
  [service, otherService] = scene.services;
});
afterAll(() => scene.close());
beforeEach(async () => {
  service.answer = () => ({ status: 201 });
  [ada, grace] = await scene.people();
});

const browserOf = (...given: Parameters<PushScene['browserOf']>) => scene.browserOf(...given);
const arrived = (browser: Browser, count?: number) => scene.arrived(browser, count);
const subscribed = (person: Person) => scene.subscribed(person);
const waiting = ({ id }: Person) =>
  app.rows('select * from realtime.notification_deliveries where recipient_id = $1', [id]);
const allTold = () => scene.allTold();

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
