import type { Redis } from '../../redis/redis';
import type { MarkStore } from './read-after-write';
import { positionOf, type ReadPin } from './write-mark';

const member = 'position';

/**
 * Marks as the one member of a sorted set for each subject, since Redis raises a score only if it is higher: of two
 * instances that write for one subject at once, the later position stays, in whichever order they tell.
 */
export function redisMarkStore(redis: Redis, keyOf: (subject: string) => string): MarkStore {
  return {
    async put(subject, pin, ttlMs) {
      const key = keyOf(subject);
      const replies = await redis.multi().zadd(key, 'GT', scoreOf(pin), member).pexpire(key, ttlMs).exec();
      const failed = replies?.find(([error]) => error);
      if (!replies || failed) throw failed?.[0] ?? new Error('Redis did not keep the mark');
    },
    async get(subject) {
      const score = await redis.zscore(keyOf(subject), member);
      return score === null ? undefined : pinOf(score);
    },
  };
}

/** Exact up to 2^53 bytes of log. */
function scoreOf(pin: ReadPin): string {
  const position = pin === 'primary' ? undefined : positionOf(pin);
  return position === undefined ? '+inf' : String(position);
}

function pinOf(score: string): ReadPin {
  const position = Number(score);
  if (!Number.isSafeInteger(position)) return 'primary';
  const [high, low] = [BigInt(position) >> 32n, BigInt(position) & 0xffff_ffffn];
  return `${high.toString(16)}/${low.toString(16)}`.toUpperCase();
}
