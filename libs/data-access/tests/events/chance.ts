import fc from 'fast-check';

/** To run again what has failed: EVENTS_SEED=… */
export const seed = Number(process.env['EVENTS_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

/** Numbers that nobody has picked, and that come again with the seed that a failing run has printed. */
export function chosen(count: number, max: number, salt = 0): number[] {
  const numbers = fc.array(fc.nat(max), { minLength: count, maxLength: count });
  return fc.sample(numbers, { seed: seed + salt, numRuns: 1 })[0] ?? [];
}
