import { waitFor } from '@rostrum/testing';
import {
  appendTogether,
  closeRedis,
  createCache,
  createRedis,
  type Cache,
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

describe.each(redisPlaces)('appending, over %s', (_name, openPlace) => {
  let place: RedisPlace;
  let redis: Redis;
  let cache: Cache;
  let elsewhere: Cache;
  let count = 0;

  beforeAll(async () => {
    place = await openPlace();
  });
  afterAll(() => place.stop());
  beforeEach(() => {
    count += 1;
    redis = createRedis(place.connection);
    const options = { redis, service: 'tests', name: `lists-${count}`, policy: lasting };
    cache = createCache(options);
    elsewhere = createCache(options);
  });
  afterEach(() => closeRedis(redis));

  const appended = (text: string, longest = 1_000) => ({ bytes: Buffer.from(text), longest });
  const read = async (key: string, load = () => Promise.resolve('loaded')) =>
    String(await elsewhere.getOrLoadBytes(key, load));
  const fill = async (key: string, value: string) => {
    // Before it is known whether Redis is there, nothing is kept.
    const kept = async () => {
      await cache.getOrLoadBytes(key, () => Promise.resolve(value));
      return cache.getBytes(key);
    };
    await waitFor(kept, { what: `a fill of ${key}` });
  };

  it('lengthens what is cached, under as many keys as are given, and makes nothing where nothing is', async () => {
    const keys = Array.from({ length: 300 }, (_, index) => `{${index % 7}}${index}`);
    const there = keys.filter((_, index) => index % 3 === 0);
    await Promise.all(there.map((key) => fill(key, key)));
    await cache.append(keys, appended('+a'));
    await cache.append(keys, appended('+b'));
    const values = await Promise.all(keys.map((key) => read(key)));
    expect(values).toEqual(keys.map((key, index) => (index % 3 === 0 ? `${key}+a+b` : 'loaded')));
  });

  it('lets nobody keep what was loaded before it', async () => {
    const loading = Promise.withResolvers<string>();
    const begun = Promise.withResolvers<undefined>();
    const first = cache.getOrLoadBytes('1', () => {
      begun.resolve(undefined);
      return loading.promise;
    });
    await begun.promise;
    await cache.append(['1'], appended('+a'));
    loading.resolve('before');
    await first;
    // Whatever the first has left behind: who asks now sees what has been appended since.
    expect(await read('1', () => Promise.resolve('after'))).toBe('after');
  });

  it('gives up what becomes too long', async () => {
    await fill('1', '12345');
    await cache.append(['1'], appended('678', 8));
    expect(await read('1')).toBe('12345678');
    await cache.append(['1'], appended('9', 8));
    expect(await read('1')).toBe('loaded');
  });

  it('tells a stream of it when all of it has been done', async () => {
    const keys = Array.from({ length: 300 }, (_, index) => `{${index % 7}}${index}`);
    await Promise.all(keys.map((key) => fill(key, key)));
    const stream = `log-${count}`;
    const addition = (value: string) => ({ key: stream, longest: 1_000, field: 'what', value });
    const all = cache.appending(keys, appended('+a'));

    const told = appendTogether([all], addition('all'));
    // A reader looks as often as it can: once there is an entry, every value has been lengthened.
    const seen = async () => (await redis.xlen(stream)) > 0;
    await waitFor(seen, { what: 'the entry' });
    const values = await Promise.all(keys.map((key) => cache.getBytes(key)));
    await told;
    await appendTogether(
      [cache.appending(['1'], appended('+b')), cache.appending([], appended(''))],
      addition('one'),
    );
    await appendTogether([cache.appending([], appended(''))], addition('none'));

    expect(values.map(String)).toEqual(keys.map((key) => `${key}+a`));
    const entries = await redis.xrange(stream, '-', '+');
    expect(entries.map(([, fields]) => fields)).toEqual([
      ['what', 'all'],
      ['what', 'one'],
      ['what', 'none'],
    ]);
  });

  it('keeps out of the way of a change that is under way', async () => {
    await fill('1', 'before');
    await cache.change('1', () => cache.append(['1'], appended('+a')));
    expect(await read('1')).toBe('loaded');
  });

  it('rejects when Redis is not there', async () => {
    await fill('1', 'before');
    expect(cache.isOpen('1')).toBe(true);
    redis.disconnect();
    await expect(cache.append(['1'], appended('+a'))).rejects.toThrow();
    await waitFor(() => !cache.isOpen('1'));
  });
});
