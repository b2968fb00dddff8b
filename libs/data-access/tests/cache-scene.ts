import { waitFor } from '@rostrum/testing';
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

export const lasting: CachePolicy = {
  ttlSeconds: 60,
  absentSeconds: 30,
  staleWhileRevalidateSeconds: 30,
  staleIfErrorSeconds: 60,
};

export const never = () => Promise.reject(new Error('was cached'));

/** Waits until a fill, which nobody waits for otherwise, has arrived. */
export const filled = (cache: Cache, key: string) =>
  waitFor(() => cache.getBytes(key), { what: `a fill of ${key}` });

/** A cache that is new to each test, as two processes have it. */
export class CacheScene {
  // All are there from `beginTest` on.
  redis!: Redis;
  cache!: Cache;
  elsewhere!: Cache;
  private place!: RedisPlace;
  private count = 0;
  private readonly opened: Redis[] = [];

  async open(openPlace: () => Promise<RedisPlace>): Promise<void> {
    this.place = await openPlace();
  }

  beginTest(): void {
    this.count += 1;
    this.redis = this.process();
    this.cache = this.cacheOf(this.redis);
    this.elsewhere = this.cacheOf(this.process());
  }

  /** Another process in all but name: with connections of its own, and knowing nothing of the others. */
  process(): Redis {
    const redis = createRedis(this.place.connection);
    this.opened.push(redis);
    return redis;
  }

  cacheOf(redis: Redis, options: Partial<CacheOptions> = {}): Cache {
    return createCache({
      redis,
      service: 'tests',
      name: `things-${this.count}`,
      policy: lasting,
      ...options,
    });
  }

  /** As they stand in Redis. */
  keyOf(key: string): string {
    return `tests:cache:things-${this.count}.1:${key}`;
  }

  async endTest(): Promise<void> {
    await Promise.all(this.opened.splice(0).map(closeRedis));
  }

  close(): Promise<void> {
    return this.place.stop();
  }
}

/** The same wherever Redis may be, for which `%s` stands. */
export function describeCaches(what: string, tests: (at: CacheScene) => void): void {
  describe.each(redisPlaces)(what, (_name, openPlace) => {
    const scene = new CacheScene();
    beforeAll(() => scene.open(openPlace));
    beforeEach(() => scene.beginTest());
    afterEach(() => scene.endTest());
    afterAll(() => scene.close());
    tests(scene);
  });
}
