import { randomUUID } from 'node:crypto';
import { waitFor } from '@rostrum/testing';
import { channels } from '../src/live/channel-names';
import { tellProcesses } from '../src/live/news-for-processes';
import type { LiveClient } from './live-client';
import { RealtimeApp, type Instance, type Person } from './realtime-app';

let app: RealtimeApp;
let here: Instance;
let there: Instance;
let ada: Person;
let client: LiveClient;
let post: string;

beforeAll(async () => {
  app = await RealtimeApp.create({ environment: { WEBSOCKET_MAX_SUBSCRIPTIONS: '3' } });
  [here, there] = await Promise.all([app.instance(), app.instance()]);
});
afterAll(() => app.stop());
beforeEach(async () => {
  ada = await app.person('ada');
  post = randomUUID();
  client = await here.connect(ada, { channels: [] });
});
afterEach(() => {
  app.posts.isDown = false;
  client.socket.terminate();
});

const refusal = async (message: { type: string; [field: string]: unknown }) => {
  const answer = await client.ask(message);
  if (answer.type !== 'error') throw new Error(JSON.stringify(answer));
  return answer.code;
};

describe('a subscription', () => {
  it('says from where the channel goes on, and what happens then comes in order', async () => {
    const state = await client.subscribe(`post:${post}`);
    expect(state).toMatchObject({ channel: `post:${post}`, offset: 0, recovered: false });
    const ids = [];
    for (let i = 0; i < 20; i += 1) ids.push(await app.publishTo(channels.post(post)));
    await client.next('event', 20);
    expect(client.of('event').map(({ id, offset }) => [id, offset])).toEqual(ids.map((id, i) => [id, i + 1]));
  });

  it('reaches all processes, and ends with unsubscribe', async () => {
    const other = await there.connect(ada, { channels: [`post:${post}`] });
    await client.subscribe(`post:${post}`);
    await app.publishTo(channels.post(post));
    await Promise.all([client.next('event'), other.next('event')]);
    expect((await client.ask({ type: 'unsubscribe', channel: `post:${post}` })).type).toBe('ok');
    await app.publishTo(channels.post(post));
    await other.next('event', 2);
    await client.roundTrip();
    expect(client.of('event')).toHaveLength(1);
    expect(await refusal({ type: 'unsubscribe', channel: `post:${post}` })).toBe('NOT_SUBSCRIBED');
    await other.close();
  });

  it('of one’s own is one’s own: the same name is another channel for everybody', async () => {
    const grace = await app.person('grace');
    const other = await here.connect(grace);
    await client.subscribe('user:me');
    await app.publishToUser(ada);
    await client.next('event');
    await other.roundTrip();
    expect(other.of('event')).toEqual([]);
    await other.close();
  });

  it.each([['user:somebody'], [`feed:${randomUUID()}`], ['control'], ['post:1'], ['presence:A b']])(
    'to %s is no message',
    async (channel) => {
      expect(await refusal({ type: 'subscribe', channel })).toBe('INVALID_MESSAGE');
    },
  );

  it('counts against the limit of the connection, however often it is asked for', async () => {
    for (const channel of ['user:me', 'feed:me', 'feed:me', `post:${post}`]) await client.subscribe(channel);
    expect(await refusal({ type: 'subscribe', channel: `post:${randomUUID()}` })).toBe('SUBSCRIPTION_LIMIT');
    await client.ask({ type: 'unsubscribe', channel: 'feed:me' });
    await client.subscribe('presence:grace');
    expect(await here.metric('realtime_subscriptions{kind="presence"}')).toBe(1);
  });
});

describe('what may not be seen', () => {
  it('cannot be subscribed to, and is asked of posts once', async () => {
    // A refusal is remembered for a second: a machine that stands still meanwhile has another try.
    await waitFor(async () => {
      app.posts.hidden.add((post = randomUUID()));
      const asked = app.posts.asked;
      for (let times = 0; times < 2; times += 1) {
        expect(await refusal({ type: 'subscribe', channel: `post:${post}` })).toBe('CHANNEL_NOT_FOUND');
      }
      return app.posts.asked === asked + 1;
    });
    await app.publishTo(channels.post(post));
    await client.roundTrip();
    expect(client.of('event')).toEqual([]);
  });

  it('nobody knows while posts is away', async () => {
    app.posts.isDown = true;
    expect(await refusal({ type: 'subscribe', channel: `post:${post}` })).toBe('UNAVAILABLE');
    await client.subscribe('user:me');
  });

  it('from now on ends the subscriptions of those concerned, on every process', async () => {
    const grace = await app.person('grace');
    const other = await there.connect(grace, { channels: [`post:${post}`, 'user:me'] });
    await client.subscribe(`post:${post}`);
    app.posts.hidden.add(`${grace.id} ${post}`);
    await tellProcesses(app.live, { kind: 'people', userIds: [grace.id, randomUUID()] });
    expect(await other.next('error')).toMatchObject({ code: 'CHANNEL_NOT_FOUND', channel: `post:${post}` });
    await app.publishTo(channels.post(post));
    await client.next('event');
    await other.roundTrip();
    expect(other.of('event')).toEqual([]);
    // What was remembered of before is not believed any more.
    const again = await other.ask({ type: 'subscribe', channel: `post:${post}` });
    expect(again).toMatchObject({ type: 'error', code: 'CHANNEL_NOT_FOUND' });
    expect(client.of('error')).toEqual([]);
    await other.close();
  });

  it('ends subscriptions also where nobody can be asked: they may be asked for again', async () => {
    await client.subscribe(`post:${post}`);
    app.posts.isDown = true;
    await tellProcesses(app.live, { kind: 'everybody' });
    expect(await client.next('error')).toMatchObject({ code: 'UNAVAILABLE', channel: `post:${post}` });
  });

  it('and is gone ends all subscriptions to it without a question', async () => {
    await client.subscribe(`post:${post}`);
    const asked = app.posts.asked;
    await tellProcesses(app.live, { kind: 'gone', channel: channels.post(post) });
    expect(await client.next('error')).toMatchObject({ code: 'CHANNEL_NOT_FOUND' });
    expect(app.posts.asked).toBe(asked);
  });
});

describe('typing', () => {
  it('is told to the others, without a name, and kept nowhere', async () => {
    const other = await there.connect(await app.person('grace'), { channels: [`post:${post}`] });
    const { epoch } = await client.subscribe(`post:${post}`);
    const typing = { type: 'typing', channel: `post:${post}` };
    const [first, second] = await Promise.all([client.ask(typing), refusal(typing)]);
    expect([first.type, second]).toEqual(['ok', 'TOO_OFTEN']);
    const told = await other.next('event');
    expect(told).toMatchObject({ name: 'typing', data: {} });
    expect(told.offset).toBeUndefined();
    const later = await there.connect(ada, { channels: [] });
    const answer = await later.subscribe(`post:${post}`, { epoch, offset: 0 });
    expect(answer).toMatchObject({ offset: 0, recovered: true });
    for (const each of [other, later]) await each.close();
  });

  it('is for posts that one listens to', async () => {
    expect(await refusal({ type: 'typing', channel: `post:${post}` })).toBe('NOT_SUBSCRIBED');
    await client.subscribe('user:me');
    expect(await refusal({ type: 'typing', channel: 'user:me' })).toBe('NOT_SUPPORTED');
  });
});

describe('heartbeats', () => {
  it('tell where the channels stand', async () => {
    const lively = await app.instance({ WEBSOCKET_HEARTBEAT_SECONDS: '1' });
    const listener = await lively.connect(ada, { channels: ['user:me', `post:${post}`] });
    await app.publishToUser(ada);
    await waitFor(() =>
      listener.of('heartbeat').some(({ channels: at }) => at['user:me'] === 1 && at[`post:${post}`] === 0),
    );
    await listener.close();
  });
});
