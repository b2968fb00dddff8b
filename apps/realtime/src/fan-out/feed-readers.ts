import { redisKeys, type Redis } from '@rostrum/data-access';

export interface FeedReadersOptions {
  redis: Pick<Redis, 'zadd' | 'zrangebyscore' | 'zremrangebyscore'>;
  /** How long the log of a feed is kept for a reader who may come back. */
  windowSeconds: number;
}

const key = redisKeys('realtime').key('feed-readers');
const mostAtOnce = 1000;

/** Whose feeds have listeners, or had them so lately that these may resume: nobody else's need be told of posts. */
export class FeedReaders {
  constructor(private readonly options: FeedReadersOptions) {}

  /** Before the log of their feed is opened, and again and again while it is: it must not end before that log does. */
  async add(userIds: readonly string[]): Promise<void> {
    const until = Date.now() + 2000 * this.options.windowSeconds;
    for (let start = 0; start < userIds.length; start += mostAtOnce) {
      const some = userIds.slice(start, start + mostAtOnce);
      await this.options.redis.zadd(key, ...some.flatMap((userId) => [until, userId]));
    }
  }

  async all(): Promise<string[]> {
    const now = Date.now();
    await this.options.redis.zremrangebyscore(key, '-inf', now);
    return this.options.redis.zrangebyscore(key, now, '+inf');
  }
}
