/** To run again what has failed: LIVE_SEED=… */
export const seed = Number(process.env['LIVE_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

export interface Chance {
  /** An integer from 0 to below the limit. */
  below(limit: number): number;
  among<T>(some: readonly T[]): T;
  /** One of the keys, as often as its weight says. */
  weighted<Key extends string>(weights: Record<Key, number>): Key;
}

/** The same again for the same seed. */
export function chanceOf(from: number): Chance {
  let state = from | 0;
  const below = (limit: number) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
  const among = <T>(some: readonly T[]): T => {
    if (some.length === 0) throw new Error('There is nothing to choose from');
    return some[below(some.length)] as T;
  };
  return {
    below,
    among,
    weighted: (weights) => {
      const entries = Object.entries(weights) as [keyof typeof weights, number][];
      let rest = below(entries.reduce((sum, [, weight]) => sum + weight, 0));
      for (const [key, weight] of entries) {
        rest -= weight;
        if (rest < 0) return key;
      }
      throw new Error('Weights must not be negative');
    },
  };
}
