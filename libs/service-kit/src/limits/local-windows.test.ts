import fc from 'fast-check';
import { LocalWindows } from './local-windows';

/** What a sliding window is, said as simply as possible. */
function expected(asked: number[], { quota, windowMs }: { quota: number; windowMs: number }): number[] {
  const admitted: number[] = [];
  return asked.map((now) => {
    const inWindow = admitted.filter((time) => time > now - windowMs).length;
    if (inWindow >= quota) return -1;
    admitted.push(now);
    return quota - inWindow - 1;
  });
}

it('admits what a sliding window admits, whenever it is asked', () => {
  const limits = fc.record({
    quota: fc.integer({ min: 1, max: 40 }),
    windowMs: fc.integer({ min: 1, max: 500 }),
  });
  const pauses = fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 400 });
  fc.assert(
    fc.property(limits, pauses, (limit, waits) => {
      let now = 0;
      const windows = new LocalWindows(() => now);
      const asked: number[] = [];
      const answers = waits.map((wait) => {
        now += wait;
        asked.push(now);
        const { remaining, resetMs } = windows.take('ada', { name: 'api', ...limit });
        expect(resetMs).toBeGreaterThan(0);
        expect(resetMs).toBeLessThanOrEqual(limit.windowMs);
        return remaining;
      });
      expect(answers).toEqual(expected(asked, limit));
    }),
  );
});

it('counts what others have admitted', () => {
  const windows = new LocalWindows(() => 0);
  const limit = { name: 'auth', quota: 2, windowMs: 1000 };
  windows.note('ada', limit);
  expect(windows.take('ada', limit).remaining).toBe(0);
  expect(windows.take('ada', limit).remaining).toBe(-1);
  expect(windows.take('grace', limit).remaining).toBe(1);
});
