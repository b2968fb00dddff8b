import { randomUUID } from 'node:crypto';
import { waitFor } from '@rostrum/testing';
import { RealtimeApp, type Instance, type Person } from './realtime-app';

let app: RealtimeApp;
let here: Instance;
let there: Instance;
let ada: Person;
let grace: Person;

beforeAll(async () => {
  app = await RealtimeApp.create({ environment: { WEBSOCKET_HEARTBEAT_SECONDS: '1' } });
  [here, there] = await Promise.all([app.instance(), app.instance()]);
});
afterAll(() => app.stop());
beforeEach(async () => {
  ada = await app.person('ada');
  grace = await app.person('grace');
});

const key = () => `realtime:presence:${ada.id}`;
const isOnline = async (instance: Instance) => {
  const { status, json } = await instance.send(grace, `GET /api/v1/realtime/presence/${ada.id}`);
  expect([status, json.userId]).toEqual([200, ada.id]);
  return json.online as boolean;
};
const online = (instance: Instance) => waitFor(() => isOnline(instance), { what: 'being online' });
const offline = (instance: Instance) =>
  waitFor(async () => !(await isOnline(instance)), { what: 'being offline' });

describe('presence', () => {
  it('begins with the first socket and ends with the last one, on whichever instance', async () => {
    expect(await isOnline(there)).toBe(false);
    const first = await here.connect(ada);
    await online(there);
    const second = await here.connect(ada);
    const third = await there.connect(ada);
    await first.close();
    await second.close();
    await waitFor(async () => (await app.redis.hlen(key())) === 1);
    expect(await isOnline(here)).toBe(true);
    await third.close();
    await offline(here);
  });

  it('lasts as long as a socket answers', async () => {
    const socket = await here.connect(ada);
    await online(here);
    // Whatever remains of the first announcement would be over before the third heartbeat has been answered.
    await app.redis.pexpire(key(), 1500);
    let pings = 0;
    socket.socket.on('ping', () => (pings += 1));
    await waitFor(() => pings === 3);
    expect(await isOnline(here)).toBe(true);
    await socket.close();
  });

  it('has a bound of its own when a process dies without a word', async () => {
    await app.redis.del(key());
    const socket = await here.connect(ada);
    await online(here);
    const left = await app.redis.pttl(key());
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(3000);
    await socket.close();
  });

  it('ends by itself on an instance that has vanished', async () => {
    // What a process that was killed leaves: its field, refreshed by nobody.
    await app.redis.multi().hset(key(), randomUUID(), '1').pexpire(key(), 1200).exec();
    expect(await isOnline(here)).toBe(true);
    await offline(here);
  });

  it('comes back by itself when Redis has forgotten it', async () => {
    const socket = await here.connect(ada);
    await online(here);
    await app.redis.del(key());
    await online(here);
    await socket.close();
  });

  it('is asked with an id and by somebody', async () => {
    const bad = await here.send(grace, 'GET /api/v1/realtime/presence/ada');
    expect([bad.status, bad.json.code]).toEqual([400, 'VALIDATION_FAILED']);
    const nobody = await here.send(undefined, `GET /api/v1/realtime/presence/${ada.id}`);
    expect(nobody.status).toBe(401);
  });
});

describe('the bound that production has', () => {
  it('is under 30 seconds', async () => {
    const instance = await app.instance({ WEBSOCKET_HEARTBEAT_SECONDS: '14' });
    const socket = await instance.connect(ada);
    await online(instance);
    expect(await app.redis.ttl(key())).toBeLessThanOrEqual(29);
    await socket.close();
  });
});
