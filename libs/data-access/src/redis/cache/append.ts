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

/** What is to be appended to values of one cache: `Cache.appending` makes it, `appendTogether` does it. */
export interface Appending extends Appended {
  redis: Redis;
  fullKeys: readonly string[];
  /** To be called once it has been done. */
  forgetLocally: () => void;
}

interface Place {
  key: string;
  what: Appended;
}

/**
 * Lengthens what is there under all these keys, in their order; as few scripts as their number and their slots allow.
 * Rejects when it is not known whether all have been. All are of one Redis.
 */
export async function appendTogether(appendings: readonly Appending[]): Promise<void> {
  const [first] = appendings;
  if (!first) return;
  const places = appendings.flatMap((what) => what.fullKeys.map((key): Place => ({ key, what })));
  for (const group of first.redis.isCluster ? bySlot(places) : [places]) {
    for (let start = 0; start < group.length; start += keysInScript)
      // One after the other: what others ask of Redis comes in between.
      await append(first.redis, group.slice(start, start + keysInScript));
  }
  for (const { forgetLocally } of appendings) forgetLocally();
}

/** The script is told of each key what of the rest of its arguments is meant for it. */
async function append(redis: Redis, places: readonly Place[]): Promise<void> {
  const known = new Map<Appended, number>();
  const meant = places.map(({ what }) => {
    const number = known.get(what) ?? known.size + 1;
    known.set(what, number);
    return number;
  });
  const rest = [...known.keys()].flatMap(({ bytes, longest }) => [bytes, longest + headLength]);
  const keys = places.map(({ key }) => key);
  await runOnKeys(redis, cacheScripts.append, { keys, args: [Buffer.from(meant), ...rest] });
}

function bySlot(places: readonly Place[]): Place[][] {
  const groups = new Map<number, Place[]>();
  for (const place of places) {
    const slot = slotOf(place.key);
    const group = groups.get(slot);
    if (group) group.push(place);
    else groups.set(slot, [place]);
  }
  return [...groups.values()];
}
