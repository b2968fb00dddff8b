import { createTestRedis, type TestRedis } from '@rostrum/testing';
import fc from 'fast-check';
import { closeRedis, createRedis, type Redis } from '../src';
import { slidingWindowScript } from '../src/redis/rate-limit-script';

/** The script as it is, but for the clock, which the test holds: its last argument. */
const timedScript = slidingWindowScript.replace(
  "call('TIME')",
  '{ math.floor(ARGV[#ARGV] / 1000), table.remove(ARGV) % 1000 * 1000 }',
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
    this.forget(now);
    const refused = this.admitted.length >= this.window.quota;
    if (!refused) this.admitted.push(now);
    const [remaining, resetMs] = this.left(now);
    return [refused ? -1 : remaining, resetMs];
  }

  /** What has been admitted already is so whatever the limit is. */
  count(now: number, times: number): [remaining: number, resetMs: number] {
    this.forget(now);
    for (let i = 0; i < times; i += 1) this.admitted.push(now);
    return this.left(now);
  }

  private forget(now: number): void {
    this.admitted = this.admitted.filter((time) => time > now - this.window.windowMs);
  }

  private left(now: number): [remaining: number, resetMs: number] {
    const { quota, windowMs } = this.window;
    const tooMany = Math.max(0, this.admitted.length - quota);
    return [Math.max(0, quota - this.admitted.length), (this.admitted[tooMany] ?? now) + windowMs - now];
  }
}

const ask = (keys: string[], window: Window, now: number) => count(keys, window, { now, times: [] });

const count = (
  keys: string[],
  { quota, windowMs }: Window,
  { now, times }: { now: number; times: number[] },
) => redis.eval(timedScript, keys.length, ...keys, quota, windowMs, ...times, now) as Promise<number[]>;

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
    // How much of each has been admitted already; none where all of them ask.
    times: fc.option(fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 8, maxLength: 8 })),
  }),
  { minLength: 1, maxLength: 20 },
);

it('answers as a sliding window does, whoever comes or has come, and whenever', async () => {
  await fc.assert(
    fc.asyncProperty(windows, turns, async (window, sequence) => {
      const run = (runs += 1);
      const models = [new Model(window), new Model(window), new Model(window)];
      let now = 1_800_000_000_000;
      for (const { pause, callers, times } of sequence) {
        now += pause;
        const keys = callers.map((caller) => `${run}:${caller}`);
        const counts = times?.slice(0, keys.length) ?? [];
        const expected = callers.flatMap((caller, index) =>
          times ? models[caller]?.count(now, counts[index] ?? 0) : models[caller]?.ask(now),
        );
        expect(await count(keys, window, { now, times: counts })).toEqual(expected);
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

it('lets what was admitted without asking leave before anybody else is admitted', async () => {
  const window = { quota: 2, windowMs: 60_000 };
  const now = 1_800_000_000_000;
  expect(await count(['over'], window, { now, times: [1] })).toEqual([1, 60_000]);
  expect(await count(['over'], window, { now: now + 10, times: [3] })).toEqual([0, 60_000]);
  expect(await ask(['over'], window, now + 60_000)).toEqual([-1, 10]);
  expect(await ask(['over'], window, now + 60_010)).toEqual([1, 60_000]);
});

describe('a list', () => {
  const window = { quota: 5, windowMs: 60_000 };
  const now = 1_800_000_000_000;
  const lifetime = () => redis.pttl('lasting');

  it('lives for as long as anything in it counts, and is renewed by what leaves it', async () => {
    await ask(['lasting'], window, now);
    // Nearly over, as after a window by the clock of Redis; whoever is admitted now counts for a window more.
    await redis.pexpire('lasting', window.windowMs);
    await ask(['lasting'], window, now + window.windowMs - 1);
    expect(await lifetime()).toBeLessThanOrEqual(window.windowMs);
    await ask(['lasting'], window, now + window.windowMs);
    expect(await lifetime()).toBeGreaterThan(window.windowMs);
  });

  it('leaves nothing behind when two windows are over', async () => {
    await ask(['short'], { quota: 2, windowMs: 80 }, now);
    expect(await redis.pttl('short')).toBeLessThanOrEqual(160);
  });
});
