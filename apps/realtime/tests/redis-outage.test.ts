import { startRedisServer, waitFor, type OwnServer } from '@rostrum/testing';
import { askForUpgrade } from './live-client';
import { RealtimeApp, type Instance, type Person } from './realtime-app';

let redis: OwnServer;
let app: RealtimeApp;
let instance: Instance;
let ada: Person;

beforeAll(async () => {
  redis = await startRedisServer();
  // As in production: what hangs is noticed soon.
  app = await RealtimeApp.create({ redisUrl: redis.url, environment: { REDIS_COMMAND_TIMEOUT_MS: '250' } });
  instance = await app.instance();
});
afterAll(async () => {
  await redis.resume().catch(() => undefined);
  await app.stop();
  await redis.stop();
});
beforeEach(async () => {
  ada = await app.person('ada');
});

const ready = (status: number) =>
  waitFor(async () => (await instance.probe('readyz')) === status, { what: `readiness ${status}` });
const upgradeOf = ({ token }: Person) =>
  askForUpgrade(`${instance.url}/ws`, { authorization: `Bearer ${token}` });
async function expectOutage(): Promise<void> {
  await ready(503);
  expect(await instance.probe('healthz')).toBe(200);
  const newcomer = await app.person('newcomer');
  // What hangs is noticed by one connection earlier than by another.
  const refused = await waitFor(async () => {
    const answer = await upgradeOf(newcomer);
    return answer.status !== 101 && answer;
  });
  expect([refused.status, refused.json.code]).toEqual([503, 'REDIS_UNAVAILABLE']);
  expect(refused.headers['retry-after']).toBe('1');
  const presence = await instance.send(ada, `GET /api/v1/realtime/presence/${ada.id}`);
  expect([presence.status, presence.json.code]).toEqual([503, 'REDIS_UNAVAILABLE']);
  const list = await instance.send(ada, 'GET /api/v1/realtime/notifications');
  expect(list.status).toBe(200);
}

describe('while Redis', () => {
  it('is dead the process is alive but not ready, keeps its sockets, and subscribes anew by itself', async () => {
    const people = [ada, await app.person('grace'), await app.person('edsger')];
    const clients = await Promise.all(people.map((person) => instance.connect(person)));
    await redis.kill();
    await expectOutage();
    await clients[0]?.roundTrip();
    // What was subscribed to before is no subscription now.
    expect((await upgradeOf(ada)).status).toBe(503);

    await redis.restart();

    const backAt = performance.now();
    await ready(200);
    for (const [i, client] of clients.entries()) {
      // What the log of this Redis held is gone with it, and so is what happened meanwhile.
      expect(await client.next('gap')).toMatchObject({ channel: 'user:me', reason: 'new_epoch', to: 0 });
      const id = await app.publishToUser(people[i] as Person);
      expect(await client.next('event')).toMatchObject({ id, offset: 1 });
      expect(client.of('event')).toHaveLength(1);
    }
    const took = Math.round(performance.now() - backAt);
    process.stdout.write(`all subscriptions were back ${took} ms after Redis\n`);
    const newcomer = await instance.connect(await app.person('late'));
    for (const client of [...clients, newcomer]) await client.close();
  });

  it('is dead, users who leave are forgotten, and subscribed to no more', async () => {
    const client = await instance.connect(ada);
    await redis.kill();
    await ready(503);
    await client.close();
    await waitFor(async () => (await instance.metric('websocket_connections')) === 0);
    await redis.restart();
    await ready(200);
    expect(await app.redis.pubsub('NUMSUB', `realtime:live:user:${ada.id}`)).toEqual([expect.any(String), 0]);
  });

  it('hangs it is the same, and what was subscribed to still is afterwards', async () => {
    const client = await instance.connect(ada);
    await redis.pause();
    await expectOutage();
    await redis.resume();
    await ready(200);
    const id = await app.publishToUser(ada);
    expect(await client.next('event')).toMatchObject({ id, offset: 1 });
    expect(client.of('gap')).toEqual([]);
    await client.close();
  });
});

describe('without Redis at first', () => {
  it('the process starts, and is ready once Redis is there', async () => {
    await redis.kill();
    const early = await app.instance();
    expect(await early.probe('healthz')).toBe(200);
    expect(await early.probe('readyz')).toBe(503);
    await redis.restart();
    await waitFor(async () => (await early.probe('readyz')) === 200);
    const client = await early.connect(ada);
    await client.close();
  });
});
