import { AppError } from '@rostrum/errors';
import { createTestRedis, startRedisServer, waitFor } from '@rostrum/testing';
import {
  closeRedis,
  createCache,
  createRedis,
  type Cache,
  type CacheOptions,
  type CachePolicy,
  type Redis,
} from '../src';
import { redisPlaces, type RedisPlace } from './redis-places';

const lasting: CachePolicy = {
  ttlSeconds: 60,
  absentSeconds: 30,
  staleWhileRevalidateSeconds: 30,
  staleIfErrorSeconds: 60,
};

const never = () => Promise.reject(new Error('was cached'));

/** Waits until a fill, which nobody waits for otherwise, has arrived. */
const filled = (cache: Cache, key: string) =>
  waitFor(() => cache.getBytes(key), { what: `a fill of ${key}` });

describe.each(redisPlaces)('over %s', (_name, openPlace) => {
  let place: RedisPlace;
  const opened: Redis[] = [];
  /** Another process in all but name: with connections of its own, and knowing nothing of the others. */
  const process_ = (): Redis => {
    const redis = createRedis(place.connection);
    opened.push(redis);
    return redis;
  };
  const cacheOf = (redis: Redis, options: Partial<CacheOptions> = {}) =>
    createCache({ redis, service: 'tests', name: `things-${count}`, policy: lasting, ...options });
  let count = 0;
  let redis: Redis;
  let cache: Cache;
  let elsewhere: Cache;

  beforeAll(async () => {
    place = await openPlace();
  });
  afterAll(() => place.stop());
  beforeEach(() => {
    count += 1;
    redis = process_();
    cache = cacheOf(redis);
    elsewhere = cacheOf(process_());
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map(closeRedis));
  });

  /** As they stand in Redis. */
  const keyOf = (key: string) => `tests:cache:things-${count}.1:${key}`;

  it('loads once, then answers from Redis, for other processes too', async () => {
    const load = jest.fn(() => Promise.resolve({ id: 1, text: 'grüße' }));
    expect(await cache.getOrLoad('1', load)).toEqual({ id: 1, text: 'grüße' });
    await filled(cache, '1');
    expect(await elsewhere.getOrLoad('1', load)).toEqual({ id: 1, text: 'grüße' });
    expect(load).toHaveBeenCalledTimes(1);
  });

  it('lets all who ask at the same time share one load', async () => {
    const load = jest.fn(() => Promise.resolve('value'));
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => (index % 2 ? cache : elsewhere).getOrLoad('1', load)),
    );
    expect(new Set(answers)).toEqual(new Set(['value']));
    expect(load).toHaveBeenCalledTimes(1);
  });

  it('hands a failed load to all who wait for it, and tries again for the next', async () => {
    const fail = () => Promise.reject(new Error('no'));
    await Promise.all([
      expect(cache.getOrLoad('1', fail)).rejects.toThrow('no'),
      expect(cache.getOrLoad('1', fail)).rejects.toThrow('no'),
    ]);
    expect(await elsewhere.getOrLoad('1', () => Promise.resolve('value'))).toBe('value');
  });

  it('remembers for a while that there is nothing, until a change makes something', async () => {
    const load = jest.fn(() => Promise.resolve(undefined));
    expect(await cache.getOrLoad('1', load)).toBeUndefined();
    await waitFor(() =>
      redis.exists(keyOf('1')).then((there) => there === 1 && load.mock.calls.length === 1),
    );
    await waitFor(async () => {
      expect(await elsewhere.getOrLoad('1', load)).toBeUndefined();
      return load.mock.calls.length === 1;
    });
    expect(await redis.pttl(keyOf('1'))).toBeLessThanOrEqual(33_000);
    await elsewhere.change('1', () => Promise.resolve());
    expect(await cache.getOrLoad('1', () => Promise.resolve('made'))).toBe('made');
  });

  it('passes bytes and documents through as they are', async () => {
    const text = '{"text":"grüße"}';
    expect(String(await cache.getOrLoadBytes('1', () => Promise.resolve(text)))).toBe(text);
    expect(String(await filled(elsewhere, '1'))).toBe(text);
    const load = () => Promise.resolve({ etag: '"1.é"', body: text });
    for (const each of [cache, elsewhere]) {
      const document = await each.getOrLoadDocument('2', load);
      expect([document?.etag, String(document?.body)]).toEqual(['"1.é"', text]);
      await filled(each, '2');
    }
  });

  it('spreads the ends of what was cached together', async () => {
    const own = cacheOf(redis, {
      policy: { ...lasting, ttlSeconds: 100, staleIfErrorSeconds: 0, staleWhileRevalidateSeconds: 0 },
    });
    const keys = Array.from({ length: 50 }, (_, index) => String(index));
    await Promise.all(keys.map((key) => own.getOrLoad(key, () => Promise.resolve(key))));
    await Promise.all(keys.map((key) => filled(own, key)));
    const ttls = await Promise.all(keys.map((key) => redis.pttl(keyOf(key))));
    expect(Math.min(...ttls)).toBeGreaterThan(80_000);
    expect(Math.max(...ttls)).toBeLessThanOrEqual(110_000);
    expect(Math.max(...ttls) - Math.min(...ttls)).toBeGreaterThan(5_000);
  });

  it('keeps what ends by itself no longer than it lasts', async () => {
    const session = (secondsLeft: number) => ({
      load: () => Promise.resolve({ user: 'ada' }),
      options: { secondsLeft: () => secondsLeft },
    });
    const own = cacheOf(redis, { policy: 'session' });
    const short = session(20);
    await own.getOrLoad('short', short.load, short.options);
    await filled(own, 'short');
    expect(await redis.pttl(keyOf('short'))).toBeLessThanOrEqual(20_000);
    const over = session(0);
    const load = jest.fn(over.load);
    await own.getOrLoad('over', load, over.options);
    await own.getOrLoad('over', load, over.options);
    expect(load).toHaveBeenCalledTimes(2);
  });

  it('does not mix up what another release or another service keeps under the same key', async () => {
    const load = (value: string) => () => Promise.resolve(value);
    expect(await cache.getOrLoad('1', load('ours'))).toBe('ours');
    await filled(cache, '1');
    expect(await cacheOf(redis, { version: 2 }).getOrLoad('1', load('newer'))).toBe('newer');
    expect(await cacheOf(redis, { service: 'others' }).getOrLoad('1', load('theirs'))).toBe('theirs');
  });

  it('takes what it does not understand for nothing', async () => {
    await redis.set(keyOf('1'), 'something else');
    await redis.set(keyOf('2'), '');
    await redis.lpush(keyOf('3'), 'a list');
    for (const key of ['1', '2', '3']) {
      expect(await cache.getOrLoad(key, () => Promise.resolve('value'))).toBe('value');
    }
    expect(String(await filled(cache, '1'))).toBe('"value"');
  });

  describe('a change', () => {
    const old = () => Promise.resolve('old');
    const current = () => Promise.resolve('new');

    it('makes all processes load anew', async () => {
      await cache.getOrLoad('1', old);
      await filled(elsewhere, '1');
      expect(await cache.change('1', () => Promise.resolve('done'))).toBe('done');
      expect(await elsewhere.getOrLoad('1', current)).toBe('new');
      await filled(elsewhere, '1');
      expect(await cache.getOrLoad('1', never)).toBe('new');
      await cache.invalidate('1');
      expect(await elsewhere.getOrLoad('1', () => Promise.resolve('newer'))).toBe('newer');
    });

    it('keeps others from caching what they read while it is made', async () => {
      await cache.getOrLoad('1', old);
      await filled(cache, '1');
      await cache.change('1', async () => {
        expect(await elsewhere.getOrLoad('1', old)).toBe('old');
        expect(await elsewhere.getBytes('1')).toBeUndefined();
      });
      expect(await elsewhere.getOrLoad('1', current)).toBe('new');
    });

    it('is protected until the last of several at the same time is done', async () => {
      const first = Promise.withResolvers<undefined>();
      const second = Promise.withResolvers<undefined>();
      const changes = [cache.change('1', () => first.promise), elsewhere.change('1', () => second.promise)];
      await waitFor(async () => (await redis.strlen(keyOf('1'))) === 17, { what: 'two fences' });
      first.resolve(undefined);
      await changes[0];
      expect(await cache.getOrLoad('1', old)).toBe('old');
      expect(await cache.getBytes('1')).toBeUndefined();
      second.resolve(undefined);
      await changes[1];
      expect(await redis.exists(keyOf('1'))).toBe(0);
    });

    it('whose writer dies leaves nothing old behind, and a key that is cached again after a while', async () => {
      await cache.getOrLoad('1', old);
      await filled(cache, '1');
      const dying = process_();
      void cacheOf(dying).change('1', () => new Promise(() => undefined));
      await waitFor(async () => (await redis.strlen(keyOf('1'))) === 9, { what: 'the fence' });
      dying.disconnect();
      expect(await elsewhere.getOrLoad('1', current)).toBe('new');
      expect(await redis.pttl(keyOf('1'))).toBeGreaterThan(0);
    });

    it('that is refused is as if it had not been tried; one that breaks off may still take place', async () => {
      const refused = new AppError({ code: 'NO', status: 409, title: 'No' });
      await expect(cache.change('1', () => Promise.reject(refused))).rejects.toBe(refused);
      expect(await redis.exists(keyOf('1'))).toBe(0);
      await expect(cache.change('1', () => Promise.reject(new Error('lost')))).rejects.toThrow('lost');
      expect(await redis.strlen(keyOf('1'))).toBe(9);
    });

    it.each(['a cold key', 'a key that was changed before'])(
      'is never undone by a load of %s that began before it',
      async (state) => {
        if (state !== 'a cold key') await cache.invalidate('1');
        const slow = Promise.withResolvers<string>();
        const began = Promise.withResolvers<undefined>();
        const reading = elsewhere.getOrLoad('1', () => (began.resolve(undefined), slow.promise));
        await began.promise;
        await cache.invalidate('1');
        // Neither here nor where it began does anybody share that load.
        expect(await cache.getOrLoad('1', current)).toBe('new');
        expect(await elsewhere.getOrLoad('1', current)).toBe('new');
        slow.resolve('old');
        expect(await reading).toBe('old');
        await filled(cache, '1');
        // The fill of the slow one was sent before this read is, over the same connection.
        expect(String(await elsewhere.getBytes('1'))).toBe('"new"');
      },
    );

    it('is not undone by a load that began before Redis lost its data', async () => {
      const slow = Promise.withResolvers<string>();
      const began = Promise.withResolvers<undefined>();
      const reading = elsewhere.getOrLoad('1', () => (began.resolve(undefined), slow.promise));
      await began.promise;
      await redis.del(keyOf('1'));
      slow.resolve('old');
      await reading;
      await elsewhere.getBytes('another');
      expect(await redis.exists(keyOf('1'))).toBe(0);
    });
  });

  describe('past its time', () => {
    const brief = (times: Partial<CachePolicy>) => ({
      policy: {
        ...lasting,
        ttlSeconds: 0.05,
        staleWhileRevalidateSeconds: 0,
        staleIfErrorSeconds: 0,
        ...times,
      },
    });
    /** A value whose time is over, for so long that the estimate of Redis's clock does not matter. */
    async function expired(own: Cache): Promise<void> {
      const ended = async () => {
        const left = await redis.pttl(keyOf('1'));
        // What Redis was too busy for the first time is done again.
        if (left < 0) await own.getOrLoad('1', () => Promise.resolve('old'));
        return left > 0 && left < 59_900;
      };
      await waitFor(ended, { what: 'the end of its time' });
    }

    it('a value is served at once and refreshed meanwhile, by one process', async () => {
      const own = cacheOf(redis, brief({ staleWhileRevalidateSeconds: 60 }));
      const other = cacheOf(process_(), brief({ staleWhileRevalidateSeconds: 60 }));
      await expired(own);
      const slow = Promise.withResolvers<string>();
      const load = jest.fn(() => slow.promise);
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) => (index % 2 ? own : other).getOrLoad('1', load)),
      );
      expect(new Set(answers)).toEqual(new Set(['old']));
      await waitFor(() => load.mock.calls.length > 0);
      expect(await other.getOrLoad('1', load)).toBe('old');
      expect(load).toHaveBeenCalledTimes(1);
      slow.resolve('new');
      await waitFor(async () => (await other.getOrLoad('1', load)) === 'new');
    });

    it('a value is not served at all when it has been changed', async () => {
      const own = cacheOf(redis, brief({ staleWhileRevalidateSeconds: 60, staleIfErrorSeconds: 60 }));
      await expired(own);
      await own.change('1', () => Promise.resolve());
      await expect(own.getOrLoad('1', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    });

    it('a value is served only if it cannot be read anew', async () => {
      const results: string[] = [];
      const own = cacheOf(redis, {
        ...brief({ staleIfErrorSeconds: 60 }),
        hooks: { onRead: (result) => results.push(result) },
      });
      await expired(own);
      results.length = 0;
      expect(await own.getOrLoad('1', () => Promise.reject(new Error('no')))).toBe('old');
      expect(await own.getOrLoad('1', () => Promise.resolve('new'))).toBe('new');
      expect(results).toEqual(['stale', 'miss']);
    });

    it('a value is served to nobody where the policy says so', async () => {
      const own = cacheOf(redis, brief({}));
      await own.getOrLoad('1', () => Promise.resolve('old'));
      await waitFor(async () => (await redis.exists(keyOf('1'))) === 0);
      await expect(own.getOrLoad('1', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    });
  });

  describe('with a layer in the process', () => {
    const local = { maxAgeMs: 60_000, maxBytes: 2_000 };

    it('answers without Redis, for as long as it says, and forgets what this process changes', async () => {
      const results: string[] = [];
      const own = cacheOf(redis, { local, hooks: { onRead: (result) => results.push(result) } });
      expect(await own.getOrLoad('1', () => Promise.resolve('old'))).toBe('old');
      expect(await own.getOrLoad('1', never)).toBe('old');
      await own.change('1', async () => {
        // What is read while it changes is not kept.
        await own.getOrLoad('1', () => Promise.resolve('old'));
      });
      expect(await own.getOrLoad('1', () => Promise.resolve('new'))).toBe('new');
      await elsewhere.invalidate('1');
      expect(await own.getOrLoad('1', never)).toBe('new');
      expect(results).toEqual(['miss', 'local', 'local', 'miss', 'local']);

      const shortLived = cacheOf(redis, { local: { ...local, maxAgeMs: 0 } });
      await shortLived.getOrLoad('1', () => Promise.resolve('a'));
      await elsewhere.invalidate('1');
      expect(await shortLived.getOrLoad('1', () => Promise.resolve('b'))).toBe('b');
    });

    it('does not keep what was read while it changed', async () => {
      const own = cacheOf(redis, { local });
      const slow = Promise.withResolvers<string>();
      const began = Promise.withResolvers<undefined>();
      const reading = own.getOrLoad('1', () => (began.resolve(undefined), slow.promise));
      await began.promise;
      await own.invalidate('1');
      slow.resolve('old');
      expect(await reading).toBe('old');
      expect(await own.getOrLoad('1', () => Promise.resolve('new'))).toBe('new');
    });

    it('takes no more memory than it may', async () => {
      let evictions = 0;
      const own = cacheOf(redis, { local, hooks: { onLocalEviction: () => (evictions += 1) } });
      for (let i = 0; i < 20; i += 1) await own.getOrLoad(String(i), () => Promise.resolve('x'.repeat(100)));
      expect(evictions).toBeGreaterThan(10);
    });
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
      const reads = [first, second].map(({ signal }) => cache.getOrLoad('1', load, { signal: () => signal }));
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
      expect(await elsewhere.getOrLoad('1', () => Promise.resolve('value'))).toBe('value');
    });

    it('had gone before it was asked for', async () => {
      const signal = AbortSignal.abort(new Error('gone'));
      const slow = new Promise<never>(() => undefined);
      await expect(cache.getOrLoad('1', () => slow, { signal: () => signal })).rejects.toThrow('gone');
    });
  });

  it('loads no more at a time than it may, and turns away who would wait too long', async () => {
    const own = cacheOf(redis, { loads: { atOnce: 2, waiting: 3 } });
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

it('asks a single Redis once for all reads of one turn', async () => {
  const server = await startRedisServer();
  const redis = createRedis({ url: server.url });
  const caches = ['a', 'b'].map((name) => createCache({ redis, service: 'tests', name, policy: 'post' }));
  const [a, b] = caches as [Cache, Cache];
  await Promise.all(
    caches.flatMap((each) => ['1', '2'].map((key) => each.getOrLoad(key, () => Promise.resolve(key)))),
  );
  await Promise.all(caches.flatMap((each) => ['1', '2'].map((key) => filled(each, key))));
  const commands = async () =>
    Number(/cmdstat_mget:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0);
  const before = await commands();
  const answers = await Promise.all([
    a.getOrLoad('1', never),
    a.getOrLoad('2', never),
    b.getOrLoad('1', never),
    a.getOrLoad('1', never),
  ]);
  expect(answers).toEqual(['1', '2', '1', '1']);
  expect((await commands()) - before).toBe(1);
  await closeRedis(redis);
  await server.stop();
});
