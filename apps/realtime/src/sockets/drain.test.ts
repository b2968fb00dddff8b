import { reconnectDelays, spreadMs } from './drain';

const paceMs = 5000;

describe('how long clients are told to wait', () => {
  it('is spread wide enough for those who take them in', () => {
    expect(spreadMs(10, { paceMs, reconnectsPerSecond: 500 })).toBe(paceMs);
    expect(spreadMs(10_000, { paceMs, reconnectsPerSecond: 500 })).toBe(20_000);
  });

  it('is another time for each, and every part of the time has its share', () => {
    const delays = reconnectDelays(1000, 10_000);
    const inTenth = Array<number>(10).fill(0);
    for (const delay of delays) inTenth[Math.floor(delay / 1000)]! += 1; // eslint-disable-line @typescript-eslint/no-non-null-assertion -- delays are below the whole
    expect(inTenth).toEqual(Array(10).fill(100));
    expect([...delays].sort((a, b) => a - b)).not.toEqual(delays);
  });

  it.each([
    ['listen', (closedAt: number, delay: number) => closedAt + delay],
    ['do not listen', (closedAt: number) => closedAt],
    ['are cut off at once', (_closedAt: number, delay: number) => delay],
  ])('never brings more than twice the steady rate, whether they %s', (_who, comesBackAt) => {
    const count = 5000;
    const delays = reconnectDelays(count, paceMs);
    const arrivals = delays.map((delay, i) => comesBackAt((i / count) * paceMs, delay));
    const inStep = new Map<number, number>();
    for (const at of arrivals) {
      const step = Math.floor(at / 100);
      inStep.set(step, (inStep.get(step) ?? 0) + 1);
    }
    const steady = count / (paceMs / 100);
    expect(Math.max(...inStep.values())).toBeLessThanOrEqual(2 * steady);
  });

  it('is nothing for nobody', () => {
    expect(reconnectDelays(0, 1000)).toEqual([]);
  });
});
