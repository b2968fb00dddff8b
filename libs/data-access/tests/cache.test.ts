import type { AppError } from '@rostrum/errors';
import { createTestRedis, waitFor } from '@rostrum/testing';
import { closeRedis, createCache, createRedis, type Cache, type Redis } from '../src';
import { describeCaches, filled, lasting } from './cache-scene';

describeCaches('a cache over %s', (at) => {
  it('loads once, then answers from Redis, for other processes too', async () => {
    const load = jest.fn(() => Promise.resolve({ id: 1, text: 'grüße' }));
    expect(await at.cache.getOrLoad('1', load)).toEqual({ id: 1, text: 'grüße' });
    await filled(at.cache, '1');
    expect(await at.elsewhere.getOrLoad('1', load)).toEqual({ id: 1, text: 'grüße' });
    expect(load).toHaveBeenCalledTimes(1);
  });

  it('lets all who ask at the same time share one load', async () => {
    const load = jest.fn(() => Promise.resolve('value'));
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => (index % 2 ? at.cache : at.elsewhere).getOrLoad('1', load)),
    );
    expect(new Set(answers)).toEqual(new Set(['value']));
    expect(load).toHaveBeenCalledTimes(1);
  });

  it('hands a failed load to all who wait for it, and tries again for the next', async () => {
    const fail = () => Promise.reject(new Error('no'));
    await Promise.all([
      expect(at.cache.getOrLoad('1', fail)).rejects.toThrow('no'),
      expect(at.cache.getOrLoad('1', fail)).rejects.toThrow('no'),
    ]);
    expect(await at.elsewhere.getOrLoad('1', () => Promise.resolve('value'))).toBe('value');
  });

  it('remembers for a while that there is nothing, until a change makes something', async () => {
    const load = jest.fn(() => Promise.resolve(undefined));
    expect(await at.cache.getOrLoad('1', load)).toBeUndefined();
    await waitFor(() =>
      at.redis.exists(at.keyOf('1')).then((there) => there === 1 && load.mock.calls.length === 1),
    );
    await waitFor(async () => {
      expect(await at.elsewhere.getOrLoad('1', load)).toBeUndefined();
      return load.mock.calls.length === 1;
    });
    expect(await at.redis.pttl(at.keyOf('1'))).toBeLessThanOrEqual(33_000);
    await at.elsewhere.change('1', () => Promise.resolve());
    expect(await at.cache.getOrLoad('1', () => Promise.resolve('made'))).toBe('made');
  });

  it('passes bytes and documents through as they are', async () => {
    const text = '{"text":"grüße"}';
    expect(String(await at.cache.getOrLoadBytes('1', () => Promise.resolve(text)))).toBe(text);
    expect(String(await filled(at.elsewhere, '1'))).toBe(text);
    const load = () => Promise.resolve({ etag: '"1.é"', body: text });
    for (const each of [at.cache, at.elsewhere]) {
      const document = await each.getOrLoadDocument('2', load);
      expect([document?.etag, String(document?.body)]).toEqual(['"1.é"', text]);
      await filled(each, '2');
    }
  });

  it('spreads the ends of what was cached together', async () => {
    const own = at.cacheOf(at.redis, {
      policy: { ...lasting, ttlSeconds: 100, staleIfErrorSeconds: 0, staleWhileRevalidateSeconds: 0 },
    });
    const keys = Array.from({ length: 50 }, (_, index) => String(index));
    await Promise.all(keys.map((key) => own.getOrLoad(key, () => Promise.resolve(key))));
    await Promise.all(keys.map((key) => filled(own, key)));
    const ttls = await Promise.all(keys.map((key) => at.redis.pttl(at.keyOf(key))));
    expect(Math.min(...ttls)).toBeGreaterThan(80_000);
    expect(Math.max(...ttls)).toBeLessThanOrEqual(110_000);
    expect(Math.max(...ttls) - Math.min(...ttls)).toBeGreaterThan(5_000);
  });

  it('keeps what ends by itself no longer than it lasts', async () => {
    const session = (secondsLeft: number) => ({
      load: () => Promise.resolve({ user: 'ada' }),
      options: { secondsLeft: () => secondsLeft },
    });
    const own = at.cacheOf(at.redis, { policy: 'session' });
    const short = session(20);
    await own.getOrLoad('short', short.load, short.options);
    await filled(own, 'short');
    expect(await at.redis.pttl(at.keyOf('short'))).toBeLessThanOrEqual(20_000);
    const over = session(0);
    const load = jest.fn(over.load);
    await own.getOrLoad('over', load, over.options);
    await own.getOrLoad('over', load, over.options);
    expect(load).toHaveBeenCalledTimes(2);
  });

  it('does not mix up what another release or another service keeps under the same key', async () => {
    const load = (value: string) => () => Promise.resolve(value);
    expect(await at.cache.getOrLoad('1', load('ours'))).toBe('ours');
    await filled(at.cache, '1');
    expect(await at.cacheOf(at.redis, { version: 2 }).getOrLoad('1', load('newer'))).toBe('newer');
    expect(await at.cacheOf(at.redis, { service: 'others' }).getOrLoad('1', load('theirs'))).toBe('theirs');
  });

  it('takes what it does not understand for nothing', async () => {
    await at.redis.set(at.keyOf('1'), 'something else');
    await at.redis.set(at.keyOf('2'), '');
    await at.redis.lpush(at.keyOf('3'), 'a list');
    for (const key of ['1', '2', '3']) {
      expect(await at.cache.getOrLoad(key, () => Promise.resolve('value'))).toBe('value');
    }
    expect(String(await filled(at.cache, '1'))).toBe('"value"');
  });

  describe('who may give up', () => {
    it('does not end a load that others wait for, and ends one that nobody does', async () => {
      const loads: AbortSignal[] = [];
      const slow = Promise.withResolvers<string>();
      const load = (abandoned: () => AbortSignal) => {
        const signal = abandoned();
        loads.push(signal);
        return Promise.race([
          slow.promise,
          new Promise<never>((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason as Error));
          }),
        ]);
      };
      const [first, second] = [new AbortController(), new AbortController()];
      const reads = [first, second].map(({ signal }) =>
        at.cache.getOrLoad('1', load, { signal: () => signal }),
      );
      const outcomes = Promise.allSettled(reads);
      await waitFor(() => loads.length === 1);
      first.abort(new Error('gone'));
      await expect(reads[0]).rejects.toThrow('gone');
      expect(loads[0]?.aborted).toBe(false);
      second.abort(new Error('gone too'));
      await expect(reads[1]).rejects.toThrow('gone too');
      expect(loads[0]?.aborted).toBe(true);
      await outcomes;
      // Whoever comes next shares nothing of that, and waits for nobody.
      expect(await at.elsewhere.getOrLoad('1', () => Promise.resolve('value'))).toBe('value');
    });

    it('had gone before it was asked for', async () => {
      const signal = AbortSignal.abort(new Error('gone'));
      const slow = new Promise<never>(() => undefined);
      await expect(at.cache.getOrLoad('1', () => slow, { signal: () => signal })).rejects.toThrow('gone');
    });
  });

  it('loads no more at a time than it may, and turns away who would wait too long', async () => {
    const own = at.cacheOf(at.redis, { loads: { atOnce: 2, waiting: 3 } });
    let running = 0;
    let most = 0;
    const gate = Promise.withResolvers<undefined>();
    const load = async () => {
      running += 1;
      most = Math.max(most, running);
      await gate.promise;
      running -= 1;
      return 'value';
    };
    let refused = 0;
    const reads = Array.from({ length: 8 }, (_, index) => own.getOrLoad(String(index), load));
    for (const read of reads) read.catch(() => (refused += 1));
    const outcomes = Promise.allSettled(reads);
    await waitFor(() => running === 2 && refused === 3);
    gate.resolve(undefined);
    const all = await outcomes;
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
    const errors = all.filter((each) => each.status === 'rejected').map(({ reason }) => reason as AppError);
    expect(errors.map(({ status }) => status)).toEqual([503, 503, 503]);
    expect(most).toBe(2);
  });
});

it('holds its lease while a load takes longer than that', async () => {
  const leaseMs = 1_200;
  const shared = await createTestRedis();
  const clients = [createRedis({ url: shared.url }), createRedis({ url: shared.url })] as const;
  const open = (redis: Redis) =>
    createCache({ redis, service: 'tests', name: 'slow', policy: 'post', leaseMs });
  const [cache, elsewhere] = clients.map(open) as [Cache, Cache];
  const slow = Promise.withResolvers<string>();
  const load = jest.fn(() => slow.promise);
  const reading = cache.getOrLoad('1', load);
  const leasedUntil = async () =>
    (await clients[1].getrangeBuffer('tests:cache:slow.1:1', 19, 24)).toString('hex');
  const first = await waitFor(leasedUntil);
  const second = elsewhere.getOrLoad('1', load);
  const overAt = (Number.parseInt(first, 16) + 2 * leaseMs).toString(16).padStart(12, '0');
  await waitFor(async () => (await leasedUntil()) > overAt);
  expect(load).toHaveBeenCalledTimes(1);
  slow.resolve('value');
  expect(await Promise.all([reading, second])).toEqual(['value', 'value']);
  expect(load).toHaveBeenCalledTimes(1);
  await Promise.all(clients.map(closeRedis));
  await shared.close();
});
