/** What the whole service needs around it: a database, Redis, somebody who issues tokens, posts, and who publishes. */
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { createRedis } from '@rostrum/data-access';
import { createTestDatabase, patientClient, testTokens } from '@rostrum/testing';
import type { LiveEvent } from '../src/live/live-event';
import { LivePublisher } from '../src/live/live-publisher';
import { PostsStub } from '../tests/posts-stub';
import { eventBytes, now, takeOrders } from './orders';

const ttlSeconds = 3600;
const log = { maxEvents: 500, windowSeconds: 600, positionSeconds: 3600 };
/** Of large events nobody wants to hear again. */
const shortLog = { ...log, maxEvents: 5 };

/** One whose frame has so many bytes; unless given, as those of the servers without a service. */
function event(channel: string, bytes = eventBytes): LiveEvent {
  const time = new Date().toISOString();
  const whole = { id: randomUUID(), name: 'bench', data: { at: now(), fill: '' }, time };
  const length = `{"type":"event","channel":"${channel}","offset":100,${JSON.stringify(whole)}`.length - 1;
  whole.data.fill = 'x'.repeat(Math.max(0, bytes - length));
  return whole;
}

async function main(): Promise<void> {
  const database = await createTestDatabase('realtime', path.join(__dirname, 'service/migrations'));
  const tokens = await testTokens();
  const posts = await PostsStub.start();
  const redis = createRedis({ url: process.env['BENCH_REDIS_URL'] ?? '', ...patientClient });
  const publisher = new LivePublisher(redis, log);
  const people: string[] = [];
  takeOrders({
    tokens: async ({ count }: { count: number }) => {
      while (people.length < count) people.push(randomUUID());
      const signing = people.map((userId, i) => tokens.sign({ userId, username: `user_${i}`, ttlSeconds }));
      return { tokens: await Promise.all(signing) };
    },
    publish: async ({ channel, count }: { channel: string; count: number }) => {
      await Promise.all(Array.from({ length: count }, () => publisher.toChannel(channel, event(channel))));
    },
    publishToEverybody: async ({ count, bytes }: { count: number; bytes?: number }) => {
      const channels = people.map((userId) => `user:${userId}`);
      const to = bytes === undefined ? publisher : new LivePublisher(redis, shortLog);
      for (let i = 0; i < count; i += 1) await to.toChannels(channels, event('user:me', bytes));
    },
    end: async () => {
      redis.disconnect();
      await posts.close();
      await tokens.close();
      await database.drop();
    },
  });
  const { issuer, audience, jwksUrl } = tokens;
  process.send?.({ databaseUrl: database.url, issuer, audience, jwksUrl, postsUrl: posts.url });
}

void main();
