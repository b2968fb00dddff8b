import type { Redis } from '../../redis/redis';

/** Field and value pairs of `XINFO GROUPS`. */
export type GroupInfo = unknown[];

const longestCount = 10_000;

function field(info: GroupInfo, name: string): unknown {
  const at = info.indexOf(name);
  return at === -1 ? undefined : info[at + 1];
}

/** Entries of one stream that the group has not dealt with: not yet given out, and given out but not acknowledged. */
export async function lagOf(
  redis: Redis,
  { key, group, groups }: { key: string; group: string; groups: GroupInfo[] },
): Promise<number> {
  const own = groups.find((info) => field(info, 'name') === group);
  if (!own) return redis.xlen(key);
  const lag = field(own, 'lag');
  const unread =
    typeof lag === 'number' ? lag : await countAfter(redis, key, field(own, 'last-delivered-id'));
  return unread + Number(field(own, 'pending'));
}

/** Redis before 7 does not count, and after a loss newer ones do not know either. Beyond the limit it is "many". */
async function countAfter(redis: Redis, key: string, id: unknown): Promise<number> {
  const script = `return #redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ${longestCount})`;
  return Number(await redis.eval(script, 1, key, String(id)));
}

/** Milliseconds since 1970, by Redis's clock. */
export function entryTime(id: string): number {
  return Number(id.split('-')[0]);
}

export function isMissingStream(error: unknown): boolean {
  return String(error).includes('no such key');
}

export function isMissingGroup(error: unknown): boolean {
  return String(error).includes('NOGROUP');
}
