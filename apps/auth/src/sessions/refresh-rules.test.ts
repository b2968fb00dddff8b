import fc from 'fast-check';
import { graceMs, judgeRefresh, mostRotations, spareMs, type FamilyState } from './refresh-rules';

const start = 1_800_000_000_000;
const state = (more: Partial<FamilyState>): FamilyState => ({
  now: start,
  generation: 1,
  rotations: [start],
  parentSpared: false,
  ...more,
});

it('exchanges the newest token, at first and later', () => {
  expect(judgeRefresh(state({ generation: 0, rotations: [] }), 0)).toBe('rotate');
  expect(judgeRefresh(state({ now: start + 1e9 }), 1)).toBe('rotate');
});

it.each([
  ['at once', 0, 'repeat'],
  ['at the end of the grace', graceMs, 'repeat'],
  ['after it', graceMs + 1, 'spare'],
  ['a minute later', spareMs, 'spare'],
  ['after that', spareMs + 1, 'replayed'],
  ['years later', 1e11, 'replayed'],
])('the token before the newest %s', (_, later, verdict) => {
  expect(judgeRefresh(state({ now: start + later }), 0)).toBe(verdict);
});

it('spares the token before the newest once, and none that is older', () => {
  const now = start + graceMs + 1;
  expect(judgeRefresh(state({ now, parentSpared: true }), 0)).toBe('replayed');
  expect(judgeRefresh(state({ now, generation: 2, rotations: [start, start] }), 0)).toBe('replayed');
  expect(judgeRefresh(state({ now: start, generation: 2, rotations: [start, start] }), 0)).toBe('repeat');
});

it('knows none that is to come', () => {
  expect(judgeRefresh(state({}), 2)).toBe('unknown');
});

it('does not go on when they come too fast, and does later', () => {
  const rotations = Array<number>(mostRotations).fill(start);
  const fast = state({ generation: mostRotations, rotations });
  expect(judgeRefresh(fast, mostRotations)).toBe('too many');
  expect(judgeRefresh({ ...fast, now: start + graceMs + 1 }, mostRotations)).toBe('rotate');
});

it('lets every client of a session in that is not late, and no token twice after its time', () => {
  const steps = fc.array(
    fc.record({ wait: fc.integer({ min: 0, max: 30_000 }), back: fc.integer({ min: 0, max: 5 }) }),
    { minLength: 1, maxLength: 60 },
  );
  fc.assert(
    fc.property(steps, (all) => {
      let now = start;
      let generation = 0;
      let rotations: number[] = [];
      let spared = false;
      /** When each token was exchanged, by its generation. */
      const exchanged: number[] = [];
      for (const { wait, back } of all) {
        now += wait;
        const presented = Math.max(0, generation - back);
        const verdict = judgeRefresh({ now, generation, rotations, parentSpared: spared }, presented);
        const at = exchanged[presented];
        if (at === undefined) expect(['rotate', 'too many']).toContain(verdict);
        else if (now - at <= graceMs) expect(verdict).toBe('repeat');
        else if (now - at > spareMs || presented < generation - 1 || spared) expect(verdict).toBe('replayed');
        else expect(verdict).toBe('spare');
        if (verdict === 'rotate') {
          exchanged[generation] = now;
          generation += 1;
          // As the statement that does it: what is older than the grace goes, except for the newest.
          rotations = [...rotations.filter((time) => time > now - graceMs), now];
          spared = false;
        }
        if (verdict === 'spare') spared = true;
      }
    }),
    { numRuns: 500 },
  );
});
