import { slotOf } from '../key-slot';
import type { Redis } from '../redis';
import { cacheScripts, runOnKeys } from './cache-scripts';
import { headLength } from './entry';

/** Redis does nothing else meanwhile: half a millisecond at most. */
const keysInScript = 250;

export interface Appended {
  bytes: Buffer;
  /** A value that would become longer is given up: the next reader loads it anew. */
  longest: number;
}

/** Lengthens what is there under these keys; rejects when it is not known whether all have been. */
export async function appendToEntries(
  redis: Redis,
  fullKeys: readonly string[],
  { bytes, longest }: Appended,
): Promise<void> {
  const args = [bytes, longest + headLength];
  for (const group of redis.isCluster ? bySlot(fullKeys) : [fullKeys]) {
    for (let start = 0; start < group.length; start += keysInScript) {
      const keys = group.slice(start, start + keysInScript);
      // One after the other: what others ask of Redis comes in between.
      await runOnKeys(redis, cacheScripts.append, { keys, args });
    }
  }
}

function bySlot(keys: readonly string[]): string[][] {
  const groups = new Map<number, string[]>();
  for (const key of keys) {
    const slot = slotOf(key);
    const group = groups.get(slot);
    if (group) group.push(key);
    else groups.set(slot, [key]);
  }
  return [...groups.values()];
}
