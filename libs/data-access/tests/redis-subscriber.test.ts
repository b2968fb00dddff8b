import { startRedisServer, waitFor, type OwnServer } from '@rostrum/testing';
import { closeRedis, createRedis, createSubscriber, type Redis, type Subscriber } from '../src';

/** The design promises 10 s from the end of a fault. */
const healing = { timeoutMs: 10_000 };

let server: OwnServer;
let redis: Redis;
let subscriber: Subscriber;
let heard: string[];
let events: string[];

beforeEach(async () => {
  server = await startRedisServer();
  redis = createRedis({ url: server.url });
  heard = [];
  events = [];
  subscriber = createSubscriber({
    redis,
    onMessage: (channel, text) => heard.push(`${channel}: ${text}`),
    onReady: (channels) => events.push(`ready ${channels}`),
    onLost: () => events.push('lost'),
  });
});
afterEach(async () => {
  subscriber.close();
  await closeRedis(redis);
  await server.stop();
});

it('hears what is published on the channels that are wanted, and no longer than that', async () => {
  await subscriber.start();
  await waitFor(() => subscriber.ready);
  await Promise.all([subscriber.subscribe('a'), subscriber.subscribe('b')]);
  await redis.publish('a', '1');
  await waitFor(() => heard.includes('a: 1'));
  subscriber.unsubscribe('a');
  await waitFor(async () => (await redis.publish('a', '2')) === 0);
  await redis.publish('b', '3');
  await waitFor(() => heard.includes('b: 3'));
  expect(heard).not.toContain('a: 2');
});

it('subscribes to what was wanted before Redis was there', async () => {
  await expect(subscriber.subscribe('early')).rejects.toMatchObject({
    code: 'REDIS_UNAVAILABLE',
    status: 503,
  });
  await expect(subscriber.subscribe('given up')).rejects.toMatchObject({ status: 503 });
  subscriber.unsubscribe('given up');
  await waitFor(() => subscriber.ready);
  await redis.publish('early', 'yes');
  await waitFor(() => heard.includes('early: yes'));
  expect(await redis.publish('given up', 'no')).toBe(0);
});

it.each<[string, () => Promise<void>, () => Promise<void>]>([
  ['killed', () => server.kill(), () => server.restart()],
  ['frozen, though nothing was asked of it', () => server.pause(), () => server.resume()],
])('tells that Redis was %s, and when all channels are there again', async (_fate, strike, heal) => {
  await waitFor(() => subscriber.ready);
  // More than one command can take.
  const channels = Array.from({ length: 2_500 }, (_, index) => `channel ${index}`);
  await Promise.all(channels.map((channel) => subscriber.subscribe(channel)));
  await strike();
  await waitFor(() => !subscriber.ready, healing);
  await expect(subscriber.ping()).rejects.toMatchObject({ status: 503 });
  await expect(subscriber.subscribe('meanwhile')).rejects.toMatchObject({ status: 503 });
  await heal();
  await waitFor(() => subscriber.ready, healing);
  expect(events).toEqual(['ready 0', 'lost', 'ready 2501']);
  await subscriber.ping();
  for (const channel of ['channel 0', 'channel 2499', 'meanwhile']) {
    await waitFor(() => redis.publish(channel, 'again'), healing);
    await waitFor(() => heard.includes(`${channel}: again`));
  }
});

it('ends without a word', async () => {
  await waitFor(() => subscriber.ready);
  subscriber.close();
  await waitFor(async () => !String(await redis.client('LIST')).includes('cmd=subscribe'));
  expect(events).toEqual(['ready 0']);
  expect(subscriber.ready).toBe(false);
});
