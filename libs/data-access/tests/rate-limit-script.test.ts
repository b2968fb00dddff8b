import { createTestRedis, type TestRedis } from '@rostrum/testing';
import fc from 'fast-check';
import { closeRedis, createRedis, type Redis } from '../src';
import { slidingWindowScript } from '../src/redis/rate-limit-script';

/** The script as it is, but for the clock, which the test holds. */
const timedScript = slidingWindowScript.replace(
  "redis.call('TIME')",
  '{ math.floor(ARGV[3] / 1000), ARGV[3] % 1000 * 1000 }',
);

let shared: TestRedis;
let redis: Redis;
let runs = 0;

beforeAll(async () => {
  shared = await createTestRedis();
  redis = createRedis({ url: shared.url });
});

afterAll(async () => {
  await closeRedis(redis);
  await shared.close();
});

interface Window {
  quota: number;
  windowMs: number;
}

/** What a sliding window is, said as simply as possible. */
class Model {
  private admitted: number[] = [];

  constructor(private readonly window: Window) {}

  ask(now: number): [remaining: number, resetMs: number] {
    const { quota, windowMs } = this.window;
    this.admitted = this.admitted.filter((time) => time > now - windowMs);
    const refused = this.admitted.length >= quota;
    if (!refused) this.admitted.push(now);
    const [oldest = now] = this.admitted;
    return [refused ? -1 : quota - this.admitted.length, oldest + windowMs - now];
  }
}

const ask = (keys: string[], { quota, windowMs }: Window, now: number) =>
  redis.eval(timedScript, keys.length, ...keys, quota, windowMs, now) as Promise<number[]>;

it('replaces the clock in the script', () => {
  expect(timedScript).not.toBe(slidingWindowScript);
});

// Keys live by the clock of Redis: the windows are far longer than a run, so that only the script removes anything.
const windows = fc.record({
  quota: fc.integer({ min: 1, max: 6 }),
  windowMs: fc.integer({ min: 60_000, max: 300_000 }),
});
const turns = fc.array(
  fc.record({
    pause: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 200_000 })),
    callers: fc.array(fc.nat({ max: 2 }), { minLength: 1, maxLength: 8 }),
  }),
  { minLength: 1, maxLength: 20 },
);

it('answers as a sliding window does, whoever comes and whenever', async () => {
  await fc.assert(
    fc.asyncProperty(windows, turns, async (window, sequence) => {
      const run = (runs += 1);
      const models = [new Model(window), new Model(window), new Model(window)];
      let now = 1_800_000_000_000;
      for (const { pause, callers } of sequence) {
        now += pause;
        const keys = callers.map((caller) => `${run}:${caller}`);
        const expected = callers.flatMap((caller) => models[caller]?.ask(now));
        expect(await ask(keys, window, now)).toEqual(expected);
      }
    }),
    { numRuns: 60 },
  );
});

it('admits again in the very millisecond in which the oldest request leaves the window', async () => {
  const window = { quota: 1, windowMs: 60_000 };
  const now = 1_800_000_000_000;
  expect(await ask(['exact'], window, now)).toEqual([0, 60_000]);
  expect(await ask(['exact'], window, now + 59_999)).toEqual([-1, 1]);
  expect(await ask(['exact'], window, now + 60_000)).toEqual([0, 60_000]);
});

it('keeps nobody out because the clock of Redis was set back', async () => {
  const window = { quota: 2, windowMs: 60_000 };
  const now = 1_800_000_000_000;
  await ask(['late', 'late', 'late'], window, now + 3_600_000);
  expect(await ask(['late'], window, now)).toEqual([1, 60_000]);
});

it('leaves nothing behind when the window is over', async () => {
  await ask(['short'], { quota: 2, windowMs: 80 }, 1_800_000_000_000);
  expect(await redis.pttl('short')).toBeLessThanOrEqual(80);
});
