import { randomUUID } from 'node:crypto';
import { startRedisCluster, waitFor, type RedisGroup } from '@rostrum/testing';
import { channels } from '../src/live/channel-names';
import { EventLog } from '../src/live/event-log';
import { Facts } from './facts';
import { LiveClient } from './live-client';
import { RealtimeApp, type Instance, type Person } from './realtime-app';

let cluster: RedisGroup;
let app: RealtimeApp;
let here: Instance;
let there: Instance;
let ada: Person;

beforeAll(async () => {
  cluster = await startRedisCluster();
  app = await RealtimeApp.create({
    clusterNodes: cluster.members,
    environment: { WEBSOCKET_HEARTBEAT_SECONDS: '1' },
  });
  [here, there] = await Promise.all([app.instance(), app.instance()]);
});
afterAll(async () => {
  await app.stop();
  await cluster.stop();
});
beforeEach(async () => {
  ada = await app.person('ada');
});

/** So many that every node has some. */
const postIds = Array.from({ length: 40 }, () => randomUUID());

describe('on a Redis Cluster', () => {
  it('a log is appended to, read and compared, whichever node has it', async () => {
    const log = new EventLog(app.redis, { maxEvents: 500, windowSeconds: 600, positionSeconds: 3600 });
    const names = postIds.map(channels.post);
    const epochs = await Promise.all(names.map(async (name) => (await log.read(name)).epoch));
    for (const name of names) for (const text of ['one', 'two']) await log.append(name, text);
    const pages = await Promise.all(names.map((name) => log.read(name, 0)));
    expect(pages.map(({ entries }) => entries.map(({ offset, text }) => [offset, text]))).toEqual(
      names.map(() => [
        [1, 'one'],
        [2, 'two'],
      ]),
    );
    expect(await log.positions(names)).toEqual(epochs.map((epoch) => ({ epoch, offset: 2 })));
    // What one script touches is in one slot.
    for (const name of names) {
      const slots = await Promise.all(
        ['head', 'log'].map((part) => app.redis.cluster('KEYSLOT', `realtime:{${name}}:${part}`)),
      );
      expect(slots[0]).toBe(slots[1]);
    }
  });

  it('sockets hear of what is told on any node, and resume on another process', async () => {
    const listener = await here.connect(ada, { channels: postIds.map((id) => `post:${id}`) });
    const told = new Map<string, string>();
    for (const id of postIds) told.set(`post:${id}`, await app.publishTo(channels.post(id)));
    await listener.next('event', postIds.length);
    expect(new Map(listener.of('event').map(({ channel, id }) => [channel, id]))).toEqual(told);
    const positions = listener.of('subscribed').map(({ channel, epoch, offset }) => ({
      ...{ channel, epoch },
      offset: offset + 1,
    }));
    await listener.close();
    const missed = new Map<string, string>();
    for (const id of postIds) missed.set(`post:${id}`, await app.publishTo(channels.post(id)));
    const back = await there.connect(ada, { channels: [] });
    back.send({ type: 'resume', channels: positions });
    await back.next('event', postIds.length);
    expect(new Map(back.of('event').map(({ channel, id }) => [channel, id]))).toEqual(missed);
    expect(back.of('subscribed').every(({ recovered }) => recovered)).toBe(true);
    expect(back.of('gap')).toEqual([]);
    await back.close();
  });

  it('notifications, feeds, tickets, acks and presence go on as with a single Redis', async () => {
    const grace = await app.person('grace');
    app.posts.owners.set(grace.username, grace.id);
    const worker = await app.worker();
    const facts = new Facts(app);
    const { json } = await here.send(ada, 'POST /api/v1/realtime/tickets');
    const reader = await here.connect(ada, {
      channels: ['user:me', 'feed:me', `presence:${grace.username}`],
    });
    await facts.follow(ada, grace);
    await facts.follow(grace, ada);
    await app.allHandled();
    const post = await facts.write(grace);
    await facts.like(grace, { id: post.id, author: ada });
    const names = () => reader.of('event').map(({ channel, name }) => `${channel} ${name}`);
    await waitFor(
      () =>
        names().includes('feed:me post.created') &&
        names().filter((each) => each === 'user:me notification.created').length === 2,
      { what: 'a post and two notifications', timeoutMs: 30_000 },
    );
    const other = await there.connect(grace, { channels: [] });
    const state = () =>
      reader
        .of('event')
        .filter(({ name }) => name === 'presence.changed')
        .at(-1)?.data;
    await waitFor(() => (state() as { state: string }).state === 'online', { what: 'grace online' });
    expect((await reader.ask({ type: 'ack', channel: 'user:me', offset: 1 })).type).toBe('ok');
    await reader.close();
    const withTicket = await LiveClient.open(`${there.socketUrl}?ticket=${json.ticket}`);
    await withTicket.close();
    await other.close();
    await worker.service.stop('it is not needed any more');
  });
});
