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

/** An entry for a stream of so many at most. */
export interface StreamAddition {
  key: string;
  longest: number;
  field: string;
  value: string;
}

/**
 * Lengthens what is there under all these keys, in their order; as few scripts as their number and their slots allow. The
 * addition, if there is one, stands when all of that does: outside of clusters it travels along. Rejects when it is not
 * known whether all has been done. All are of one Redis.
 */
export async function appendTogether(
  appendings: readonly Appending[],
  addition?: StreamAddition,
): Promise<void> {
  const [first] = appendings;
  if (!first) return;
  const { redis } = first;
  const places = appendings.flatMap((what) => what.fullKeys.map((key): Place => ({ key, what })));
  const parts = (redis.isCluster ? bySlot(places) : [places]).flatMap(inParts);
  const last = redis.isCluster ? undefined : parts.at(-1);
  // One after the other: what others ask of Redis comes in between.
  for (const part of parts) await append(redis, part, part === last ? addition : undefined);
  if (addition && !last) await addToStream(redis, addition);
  for (const { forgetLocally } of appendings) forgetLocally();
}

/** An entry by itself. */
export async function addToStream(
  redis: Redis,
  { key, longest, field, value }: StreamAddition,
): Promise<void> {
  await redis.xadd(key, 'MAXLEN', '~', longest, '*', field, value);
}

/** The script is told of each key what of the rest of its arguments is meant for it. */
async function append(redis: Redis, places: readonly Place[], addition?: StreamAddition): Promise<void> {
  const known = new Map<Appended, number>();
  const meant = places.map(({ what }) => {
    const number = known.get(what) ?? known.size + 1;
    known.set(what, number);
    return number;
  });
  const keys = places.map(({ key }) => key);
  const args: (Buffer | number | string)[] = [
    Buffer.from(meant),
    ...[...known.keys()].flatMap(({ bytes, longest }) => [bytes, longest + headLength]),
  ];
  if (addition) {
    keys.push(addition.key);
    args.push(addition.longest, addition.field, addition.value);
  }
  await runOnKeys(redis, cacheScripts.append, { keys, args });
}

function inParts(places: readonly Place[]): Place[][] {
  const count = Math.ceil(places.length / keysInScript);
  return Array.from({ length: count }, (_, n) => places.slice(n * keysInScript, (n + 1) * keysInScript));
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
