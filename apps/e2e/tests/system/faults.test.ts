import { waitFor, type OwnServer } from '@rostrum/testing';
import { signUp, startSystem, type Person, type System } from './system';

let system: System;
let ada: Person;
let postId: string;

beforeAll(async () => {
  system = await startSystem({ ownServers: true });
  ada = await signUp(system);
  const written = await write();
  postId = ((await written.json()) as { id: string }).id;
}, 90_000);

afterAll(() => system?.stop(), 60_000);

const write = () =>
  system.ask('/api/v1/posts', {
    method: 'POST',
    headers: ada.headers,
    body: JSON.stringify({ text: 'Hello.' }),
  });
const readFeed = () => system.ask('/api/v1/feed', { headers: ada.headers });
const readPost = () => system.ask(`/api/v1/posts/${postId}`, { headers: ada.headers });
const notifications = () => system.ask('/api/v1/realtime/notifications', { headers: ada.headers });

/** The promise is 10 s; the rest is for a machine that is busy with other tests. */
const backWithinMs = 15_000;

async function readiness(): Promise<Record<string, number>> {
  const of = async (name: 'auth' | 'posts' | 'realtime') =>
    [name, await system.mains[name][0]?.readiness()] as const;
  return Object.fromEntries(await Promise.all([of('auth'), of('posts'), of('realtime')])) as Record<
    string,
    number
  >;
}

const until = (expected: Record<string, number>) =>
  waitFor(async () => JSON.stringify(await readiness()) === JSON.stringify(expected), {
    what: `readiness ${JSON.stringify(expected)}`,
    timeoutMs: backWithinMs,
  });

const allReady = { auth: 200, posts: 200, realtime: 200 };
const postgresDown = { auth: 503, posts: 503, realtime: 503 };
const redisDown = { auth: 200, posts: 200, realtime: 503 };

/** Hurts a server, looks at the system meanwhile, heals the server, and sees that everything comes back by itself. */
async function during(
  fault: { hurt: () => Promise<void>; heal: () => Promise<void> },
  look: () => Promise<void>,
) {
  const before = system.processes().map(({ pid }) => pid);
  await fault.hurt();
  await look();
  for (const process of system.processes()) expect(await process.liveness()).toBe(200);
  await fault.heal();
  const healedAt = performance.now();
  await waitFor(async () => (await write()).status === 201, { what: 'a write', timeoutMs: backWithinMs });
  await waitFor(async () => (await notifications()).status === 200, {
    what: 'notifications',
    timeoutMs: backWithinMs,
  });
  await until(allReady);
  const seconds = ((performance.now() - healedAt) / 1000).toFixed(1);
  process.stdout.write(
    `${expect.getState().currentTestName}: back after ${seconds} s, promised within 10 s\n`,
  );
  expect(system.processes().map(({ pid }) => pid)).toEqual(before);
}

function faultsOf(server: () => OwnServer | undefined) {
  const one = () => {
    const found = server();
    if (!found) throw new Error('The system has no servers of its own');
    return found;
  };
  return {
    killed: { hurt: () => one().kill(), heal: () => one().restart() },
    paused: { hurt: () => one().pause(), heal: () => one().resume() },
  };
}

describe.each(['killed', 'paused'] as const)('with PostgreSQL %s', (how) => {
  it('every service is alive but not ready, cached posts are still read, all comes back', async () => {
    await waitFor(async () => (await readPost()).status === 200, { what: 'the post to be cached' });
    await during(faultsOf(() => system.postgres)[how], async () => {
      await until(postgresDown);
      const direct = await fetch(`${system.mains.posts[0]?.url}/api/v1/posts/${postId}`, {
        headers: ada.headers,
      });
      expect(direct.status).toBe(200);
      const uncached = await fetch(`${system.mains.posts[0]?.url}/api/v1/feed`, { headers: ada.headers });
      expect(uncached.status).toBe(503);
      expect(uncached.headers.get('retry-after')).not.toBeNull();
      expect(await uncached.json()).toMatchObject({ code: 'POSTGRES_UNAVAILABLE' });
    });
  }, 90_000);
});

describe.each(['killed', 'paused'] as const)('with Redis %s', (how) => {
  it('auth and posts serve on from PostgreSQL, realtime is not ready, all comes back', async () => {
    await during(faultsOf(() => system.redis)[how], async () => {
      await until(redisDown);
      for (const ask of [readPost, readFeed, write]) expect([200, 201]).toContain((await ask()).status);
      const probe = async () => (await fetch(`${system.mains.posts[0]?.opsUrl}/readyz`)).json();
      const degraded = async () => ((await probe()) as { degraded: string[] }).degraded.includes('redis');
      await waitFor(degraded, { what: 'posts to say that it is degraded' });
      expect(await probe()).toMatchObject({ status: 'degraded', degraded: ['redis'], down: [] });
    });
  }, 90_000);
});
