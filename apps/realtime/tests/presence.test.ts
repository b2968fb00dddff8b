import { randomUUID } from 'node:crypto';
import { waitFor } from '@rostrum/testing';
import { PresenceStore, type SignOfLife } from '../src/presence/presence.store';
import { Facts } from './facts';
import type { LiveClient } from './live-client';
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
    await app.redis.hset(key(), randomUUID(), '1');
    expect(await isOnline(here)).toBe(true);
    await app.redis.pexpire(key(), 100);
    await offline(here);
  });

  it('comes back by itself when Redis has forgotten it', async () => {
    const socket = await here.connect(ada);
    await online(here);
    await app.redis.del(key());
    await online(here);
    await socket.close();
  });

  it('is told of many at once, in the order in which they are named', async () => {
    const socket = await here.connect(ada);
    await online(there);
    const linus = await app.person('linus');
    const users = [linus.id, ada.id.toUpperCase(), grace.id].join(',');
    const { status, json } = await there.send(grace, `GET /api/v1/realtime/presence?users=${users}`);
    expect([status, json.items]).toEqual([
      200,
      [
        { userId: linus.id, online: false, state: 'offline' },
        { userId: ada.id, online: true, state: 'online' },
        { userId: grace.id, online: false, state: 'offline' },
      ],
    ]);
    await socket.close();
  });

  it.each(['', '?users=', '?users=ada', `?users=${Array(101).fill(randomUUID()).join(',')}`, '?user=x'])(
    'is not told for presence%.20s',
    async (query) => {
      const { status, json } = await here.send(grace, `GET /api/v1/realtime/presence${query}`);
      expect([status, json.code]).toEqual([400, 'VALIDATION_FAILED']);
    },
  );

  it('is hidden from those who are blocked and those who block', async () => {
    const sockets = [await here.connect(ada), await here.connect(grace)];
    await online(here);
    const worker = await app.worker();
    await new Facts(app).block(ada, grace);
    await offline(here);
    const looks = await there.send(ada, `GET /api/v1/realtime/presence/${grace.id}`);
    expect(looks.json).toEqual({ userId: grace.id, online: false, state: 'offline' });
    await new Facts(app).unblock(ada, grace);
    await online(here);
    await worker.service.stop('it is not needed any more');
    for (const socket of sockets) await socket.close();
  });

  it('is what people say of themselves: away while they are here, invisible until they say otherwise', async () => {
    const socket = await here.connect(ada);
    await online(there);
    const stateOf = async (viewer: Person) =>
      (await there.send(viewer, `GET /api/v1/realtime/presence/${ada.id}`)).json.state as string;
    const say = async (state: string) => {
      socket.send({ type: 'presence', state, id: state });
      await waitFor(() => socket.of('ok').some(({ id }) => id === state), { what: `ok to ${state}` });
    };
    await say('away');
    await waitFor(async () => (await stateOf(grace)) === 'away');
    await say('invisible');
    await waitFor(async () => (await stateOf(grace)) === 'offline');
    expect(await stateOf(ada)).toBe('online');
    await socket.close();
    const back = await there.connect(ada);
    await waitFor(async () => (await stateOf(ada)) === 'online');
    expect(await stateOf(grace)).toBe('offline');
    back.send({ type: 'presence', state: 'online', id: 'seen' });
    await waitFor(async () => (await stateOf(grace)) === 'online');
    await back.close();
  });

  it('is announced for many at once, for each as they are', async () => {
    const store = new PresenceStore({ redis: app.redis, instanceId: randomUUID(), ttlSeconds: 25 });
    const people = Array.from({ length: 450 }, (_, i): SignOfLife => ({
      userId: randomUUID(),
      state: i % 3 === 0 ? 'away' : 'online',
    }));
    await store.announce(people);
    const looks = await Promise.all(people.map(({ userId }) => store.look(userId)));
    expect(looks.map(({ state }) => state)).toEqual(people.map(({ state }) => state));
    expect(looks.every(({ holdsMs = 0 }) => holdsMs > 0 && holdsMs <= 25_000)).toBe(true);
    await Promise.all(people.map(({ userId }) => store.withdraw(userId)));
    expect(await Promise.all(people.map(({ userId }) => store.stateOf(userId)))).toEqual(
      people.map(() => 'offline'),
    );
  });

  it('is asked with an id and by somebody', async () => {
    const bad = await here.send(grace, 'GET /api/v1/realtime/presence/ada');
    expect([bad.status, bad.json.code]).toEqual([400, 'VALIDATION_FAILED']);
    const nobody = await here.send(undefined, `GET /api/v1/realtime/presence/${ada.id}`);
    expect(nobody.status).toBe(401);
  });
});

describe('the channel of somebody’s presence', () => {
  const stateAt = (client: LiveClient) => (client.of('event').at(-1)?.data as { state: string })?.state;
  const told = (client: LiveClient, state: string) =>
    waitFor(() => stateAt(client) === state, { what: state, timeoutMs: 30_000 });
  const states = (client: LiveClient) =>
    client.of('event').map(({ data }) => (data as { state: string }).state);
  const follow = (instance: Instance, person = grace) =>
    instance.connect(person, { channels: [`presence:${ada.username}`] });

  beforeEach(() => app.posts.owners.set(ada.username, ada.id));

  it('says how they are, and then each change, to listeners on all processes', async () => {
    const listeners = [await follow(here), await follow(there)];
    for (const each of listeners) await told(each, 'offline');
    const socket = await here.connect(ada);
    for (const each of listeners) await told(each, 'online');
    const late = await follow(there);
    await told(late, 'online');
    await socket.ask({ type: 'presence', state: 'away' });
    for (const each of [...listeners, late]) await told(each, 'away');
    const second = await there.connect(ada);
    for (const each of [...listeners, late]) await told(each, 'online');
    await second.close();
    await told(late, 'away');
    await socket.close();
    for (const each of [...listeners, late]) await told(each, 'offline');
    const all = ['offline', 'online', 'away', 'online', 'away', 'offline'];
    for (const each of listeners) expect(states(each)).toEqual(all);
    expect(states(late)).toEqual(all.slice(1));
    expect(late.of('event')[0]).toMatchObject({
      name: 'presence.changed',
      channel: `presence:${ada.username}`,
      data: { userId: ada.id, username: ada.username },
    });
    for (const each of [...listeners, late]) await each.close();
  });

  it('says so when they are gone without a word', async () => {
    await app.redis.hset(key(), randomUUID(), 'online');
    const listener = await follow(here);
    await told(listener, 'online');
    await app.redis.pexpire(key(), 100);
    await told(listener, 'offline');
    await listener.close();
  });

  it('finds out by itself what no hint has said', async () => {
    const listener = await follow(here);
    await told(listener, 'offline');
    await app.redis.multi().hset(key(), randomUUID(), 'online').pexpire(key(), 60_000).exec();
    await told(listener, 'online');
    await listener.close();
  });

  it('does not give away who wants to be seen by nobody', async () => {
    const listener = await follow(there);
    await told(listener, 'offline');
    const socket = await here.connect(ada);
    await told(listener, 'online');
    await socket.ask({ type: 'presence', state: 'invisible' });
    await told(listener, 'offline');
    await socket.close();
    const back = await there.connect(ada);
    const late = await follow(here);
    await told(late, 'offline');
    await back.ask({ type: 'presence', state: 'away' });
    for (const each of [listener, late]) await told(each, 'away');
    expect(states(listener)).toEqual(['offline', 'online', 'offline', 'away']);
    for (const each of [listener, late, back]) await each.close();
  });

  it('is not for those who may not see them, and ends with a block', async () => {
    const worker = await app.worker();
    const listener = await follow(here);
    const other = await follow(there, await app.person('other'));
    for (const each of [listener, other]) await told(each, 'offline');
    app.posts.hidden.add(`${grace.id} ${ada.username}`);
    await new Facts(app).block(ada, grace);
    expect(await listener.next('error')).toMatchObject({ code: 'CHANNEL_NOT_FOUND' });
    const socket = await here.connect(ada);
    await told(other, 'online');
    await listener.roundTrip();
    expect(states(listener)).toEqual(['offline']);
    const again = await listener.ask({ type: 'subscribe', channel: `presence:${ada.username}` });
    expect(again).toMatchObject({ type: 'error', code: 'CHANNEL_NOT_FOUND' });
    await worker.service.stop('it is not needed any more');
    for (const each of [listener, other, socket]) await each.close();
  });
});

describe('what operators see', () => {
  const stats = 'GET /api/v1/realtime/stats';

  it('is how many sockets there are on which process', async () => {
    const sockets = [await here.connect(ada), await here.connect(ada), await there.connect(grace)];
    const operator = await app.person('operator', { roles: ['user', 'admin'] });
    const countsOf = (instances: { connections: number; people: number }[]) =>
      instances.map(({ connections, people }) => `${connections} of ${people}`).sort();
    // Each process says it once a beat.
    const { json } = await waitFor(async () => {
      const answer = await here.send(operator, stats);
      return countsOf(answer.json.instances).join() === '1 of 1,2 of 1' && answer;
    });
    expect(json.connections).toBe(3);
    await app.redis.hset(
      'realtime:instances',
      'dead',
      JSON.stringify({ ...json.instances[0], id: 'dead', seenAt: '2026-01-01' }),
    );
    expect((await here.send(operator, stats)).json.instances).toHaveLength(2);
    expect(await app.redis.hexists('realtime:instances', 'dead')).toBe(0);
    for (const socket of sockets) await socket.close();
  });

  it('is not for everybody', async () => {
    const { status, json } = await here.send(ada, stats);
    expect([status, json.code]).toEqual([403, 'FORBIDDEN']);
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
