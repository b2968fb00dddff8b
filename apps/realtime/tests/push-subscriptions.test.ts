import { randomBytes } from 'node:crypto';
import { ConfigError, readConfig } from '@rostrum/config';
import { waitFor } from '@rostrum/testing';
import { mainSettings } from '../src/config';
import type { Facts } from './facts';
import { PushScene, subscriptions } from './push-scene';
import { Browser, type PushService } from './push-service';
import type { Instance, Person, RealtimeApp } from './realtime-app';

let scene: PushScene;
let service: PushService;
let app: RealtimeApp;
let facts: Facts;
let here: Instance;
let ada: Person;
let grace: Person;

beforeAll(async () => {
  scene = await PushScene.open();
  ({ app, facts, here, service } = scene);
});
afterAll(() => scene.close());
beforeEach(async () => {
  service.answer = () => ({ status: 201 });
  [ada, grace] = await scene.people();
});

const browserOf = (...given: Parameters<PushScene['browserOf']>) => scene.browserOf(...given);
const arrived = (browser: Browser, count?: number) => scene.arrived(browser, count);
const subscribed = (person: Person) => scene.subscribed(person);
const allTold = () => scene.allTold();

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
