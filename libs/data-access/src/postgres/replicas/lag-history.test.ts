import fc from 'fast-check';
import { LagHistory } from './lag-history';

it('knows nothing before the primary has answered', () => {
  expect(new LagHistory(1_000).lagOf(5n)).toBeUndefined();
});

it('counts time by what the primary had when, not by when it was last written to', () => {
  const history = new LagHistory(10_000);
  for (const [at, position] of [
    [0, 100n],
    [1_000, 200n],
    [2_000, 200n],
    [3_000, 300n],
  ] as const)
    history.note(at, position);
  expect(history.lagOf(300n)).toEqual({ ms: 0, bytes: 0 });
  expect(history.lagOf(350n)).toEqual({ ms: 0, bytes: 0 });
  expect(history.lagOf(299n)).toEqual({ ms: 1_000, bytes: 1 });
  expect(history.lagOf(200n)).toEqual({ ms: 1_000, bytes: 100 });
  expect(history.lagOf(199n)).toEqual({ ms: 3_000, bytes: 101 });
  expect(history.lagOf(1n)).toEqual({ ms: Infinity, bytes: 299 });
});

it('forgets, but never so much that a replica within the bound looks older than it is', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 0, max: 5 })), { minLength: 1 }),
      fc.nat(),
      (steps, choice) => {
        const keepMs = 1_000;
        const history = new LagHistory(keepMs);
        const all: { at: number; position: bigint }[] = [];
        let at = 0;
        let position = 1n;
        for (const [ms, bytes] of steps) {
          at += ms;
          position += BigInt(bytes);
          all.push({ at, position });
          history.note(at, position);
        }
        const asked = BigInt(choice % Number(position + 2n));
        const reached = all.findLast((entry) => entry.position <= asked);
        const ms = reached ? at - reached.at : Infinity;
        const told = history.lagOf(asked)?.ms ?? -1;
        if (ms <= keepMs) expect(told).toBe(ms);
        else expect(told).toBeGreaterThan(keepMs);
      },
    ),
    { seed: Date.now() },
  );
});
