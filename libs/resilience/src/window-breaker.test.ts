import { CircuitState } from 'cockatiel';
import fc from 'fast-check';
import { createGate } from './index';
import { WindowBreaker } from './window-breaker';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

/** What happens to a dependency: calls end well or badly, and time passes. */
const histories = fc.record({
  failures: fc.integer({ min: 1, max: 8 }),
  windowMs: fc.integer({ min: 1, max: 50 }),
  steps: fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constant({ does: 'fail' as const, ms: 0 }) },
      { weight: 2, arbitrary: fc.constant({ does: 'succeed' as const, ms: 0 }) },
      {
        weight: 4,
        arbitrary: fc.record({ does: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 20 }) }),
      },
    ),
    { maxLength: 60 },
  ),
});

/** Opens at a failure that makes enough of them within the window before it, counted anew each time. */
function opensAccordingTo(times: readonly number[], failures: number, windowMs: number): boolean {
  const now = times.at(-1) ?? 0;
  return times.filter((time) => now - time <= windowMs).length >= failures;
}

it('opens exactly where the last so many failures lie within the window', () => {
  fc.assert(
    fc.property(histories, ({ failures, windowMs, steps }) => {
      const breaker = new WindowBreaker(failures, windowMs);
      const times: number[] = [];
      for (const { does, ms } of steps) {
        if (does === 'wait') jest.advanceTimersByTime(ms);
        if (does === 'succeed') breaker.success(CircuitState.Closed);
        if (does !== 'fail') continue;
        times.push(performance.now());
        expect(breaker.failure(CircuitState.Closed)).toBe(opensAccordingTo(times, failures, windowMs));
      }
    }),
  );
});

it.each([
  [10, true],
  [11, false],
])('counts failures that are ten, not eleven apart, in a window of ten: %i', (apart, opens) => {
  const breaker = new WindowBreaker(2, 10);
  breaker.failure(CircuitState.Closed);
  jest.advanceTimersByTime(apart);
  expect(breaker.failure(CircuitState.Closed)).toBe(opens);
});

it('makes a gate refuse from that failure on, and none before', async () => {
  await fc.assert(
    fc.asyncProperty(histories, async ({ failures, windowMs, steps }) => {
      const gate = createGate({
        name: 'redis',
        failures,
        windowMs,
        probe: () => Promise.reject(new Error()),
      });
      const times: number[] = [];
      let open = false;
      for (const { does, ms } of steps) {
        if (does === 'wait') await jest.advanceTimersByTimeAsync(ms);
        if (does === 'fail' && !open) {
          times.push(performance.now());
          gate.failed(new Error('down'), performance.now());
          await jest.advanceTimersByTimeAsync(0);
          open = opensAccordingTo(times, failures, windowMs);
        }
        expect(gate.refusal() !== undefined).toBe(open);
      }
      gate.dispose();
    }),
  );
});

it('forgets what failed before an outage when the outage is over', () => {
  const breaker = new WindowBreaker(2, 10_000);
  breaker.failure(CircuitState.Closed);
  breaker.success(CircuitState.HalfOpen);
  expect(breaker.failure(CircuitState.Closed)).toBe(false);
});
