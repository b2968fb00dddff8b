import {
  createTestRedis,
  startFaultProxy,
  startRecordingProxy,
  startRedisServer,
  waitFor,
} from '@rostrum/testing';
import { type RateLimits, type Redis } from '../src';
import { Admitted, ask, cleanUp, connect, limitsOf, perMinute } from './rate-limits-scene';

describe('without Redis', () => {
  /** What it has told of Redis. */
  function watched(redis: Redis) {
    const told: boolean[] = [];
    const limits = limitsOf(redis, { hooks: { onAvailability: ({ available }) => told.push(available) } });
    return { limits, told };
  }

  const decidesAgain = (limits: RateLimits) =>
    waitFor(async () => (await ask(limits, perMinute(1000), 'ada')) !== undefined, {
      what: 'Redis to decide again',
      timeoutMs: 20_000,
    });

  it('keeps nobody waiting for one that is paused, and comes back by itself', async () => {
    const server = await startRedisServer();
    cleanUp.push(() => server.stop());
    const { limits, told } = watched(await connect(server.url));
    await ask(limits, perMinute(1000), 'ada');
    await server.pause();
    const startedAt = performance.now();
    const answers = await Promise.all(Array.from({ length: 100 }, () => ask(limits, perMinute(1000), 'ada')));
    const firstMs = performance.now() - startedAt;
    expect(answers.every((answer) => answer === undefined)).toBe(true);
    expect(limits.ask(perMinute(1000), 'ada', { onVerdict: fail, onSilence: fail })).toBe(false);
    expect(told).toEqual([false]);
    process.stdout.write(`paused: the first turn waited ${firstMs.toFixed(0)} ms, later ones do not\n`);
    await server.resume();
    await decidesAgain(limits);
    expect(told).toEqual([false, true]);
  });

  it('tells of what it could not count', async () => {
    const server = await startRedisServer();
    cleanUp.push(() => server.stop());
    const { limits, told } = watched(await connect(server.url));
    await ask(limits, perMinute(1000), 'ada');
    await server.pause();
    const ada = new Admitted(perMinute(1000), 'ada', 3);
    limits.count(ada);
    await waitFor(() => ada.told.length > 0, { what: 'the silence to be noticed' });
    expect([ada.told, told]).toEqual([['3 lost'], [false]]);
    await server.resume();
    await decidesAgain(limits);
  });

  it('comes back from one that was killed and has lost its scripts', async () => {
    const server = await startRedisServer();
    cleanUp.push(() => server.stop());
    const { limits, told } = watched(await connect(server.url));
    await ask(limits, perMinute(1000), 'ada');
    await server.kill();
    expect(await ask(limits, perMinute(1000), 'ada')).toBeUndefined();
    await server.restart();
    await decidesAgain(limits);
    expect(told).toEqual([false, true]);
  });

  it('does not take one for healthy that answers but cannot write', async () => {
    const server = await startRedisServer();
    cleanUp.push(() => server.stop());
    const proxy = await startRecordingProxy({ target: server.url });
    cleanUp.push(() => proxy.close());
    const redis = await connect(proxy.urlFor(server.url));
    const { limits, told } = watched(redis);
    await ask(limits, perMinute(1000), 'ada');
    await redis.config('SET', 'maxmemory', '1');
    expect(await ask(limits, perMinute(1000), 'ada')).toBeUndefined();
    await redis.ping();
    const probes = () => proxy.packets().filter((packet) => packet.includes('none:probe')).length;
    await waitFor(() => probes() >= 3, { what: 'Redis to be tried again and again' });
    expect(limits.available).toBe(false);
    await redis.config('SET', 'maxmemory', '0');
    await decidesAgain(limits);
    expect(told).toEqual([false, true]);
  });

  it('does not wait for late answers, and does not give them to anybody', async () => {
    const shared = await createTestRedis();
    cleanUp.push(() => shared.close());
    const proxy = await startFaultProxy({ target: shared.url });
    cleanUp.push(() => proxy.close());
    const redis = await connect(proxy.urlFor(shared.url));
    const { limits } = watched(redis);
    await ask(limits, perMinute(1000), 'ada');
    proxy.pause('toClient');
    let told = 0;
    const count = () => (told += 1);
    limits.ask(perMinute(1000), 'ada', { onVerdict: count, onSilence: count });
    await waitFor(() => told === 1);
    await proxy.heal();
    await decidesAgain(limits);
    expect(told).toBe(1);
  });
});

function fail(): never {
  throw new Error('must not be told anything');
}
