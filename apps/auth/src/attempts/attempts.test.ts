import { randomBytes, randomUUID } from 'node:crypto';
import type { Redis } from '@rostrum/data-access';
import { createRedis } from '@rostrum/data-access';
import { parseMasterKeys } from '@rostrum/security';
import { createTestRedis, type TestRedis } from '@rostrum/testing';
import fc from 'fast-check';
import { Keyring } from '../secrets/keyring';
import { AttemptGuard, type AttemptAt } from './attempt-guard';
import type { AttemptLimits, AttemptOutcome } from './attempt-rules';
import { LocalAttempts, RedisAttempts, type AttemptStore } from './attempt-store';
import { networkOf } from './network';

const limits: AttemptLimits = { free: 3, firstDelayMs: 1_000, longestDelayMs: 60_000, forgetMs: 3_600_000 };
const clock = { now: 1_800_000_000_000 };
const now = () => clock.now;
const keyring = new Keyring(parseMasterKeys(`1:${randomBytes(32).toString('base64')}`));

let testRedis: TestRedis;
let redis: Redis;

beforeAll(async () => {
  testRedis = await createTestRedis();
  redis = createRedis({ url: testRedis.url });
});
afterAll(async () => {
  redis.disconnect();
  await testRedis.close();
});

const guardOf = (shared: AttemptStore, onError?: (error: unknown) => void) =>
  new AttemptGuard({ shared, local: new LocalAttempts(now), limits, keyring, ...(onError && { onError }) });

const at = (more: Partial<AttemptAt> = {}): AttemptAt => ({
  name: randomUUID(),
  address: '192.0.2.1',
  ...more,
});

async function attempt(guard: AttemptGuard, where: AttemptAt, outcome: AttemptOutcome): Promise<number> {
  try {
    const begun = await guard.begin(where);
    await begun.end(outcome);
    return 0;
  } catch (error) {
    expect(error).toMatchObject({ status: 429, code: 'TOO_MANY_ATTEMPTS' });
    return (error as { retryAfterSeconds: number }).retryAfterSeconds;
  }
}

describe.each<[string, () => AttemptStore]>([
  ['in this process', () => new LocalAttempts(now)],
  ['in Redis', () => new RedisAttempts(redis, now)],
])('counted %s', (_, makeStore) => {
  it('some failures are free, then each wait is twice as long, up to a limit', async () => {
    const guard = guardOf(makeStore());
    const there = at();
    for (let i = 0; i < 3; i += 1) expect(await attempt(guard, there, 'failed')).toBe(0);
    for (const seconds of [1, 2, 4, 8, 16, 32, 60, 60]) {
      expect(await attempt(guard, there, 'failed')).toBe(seconds);
      clock.now += seconds * 1000 - 1;
      expect(await attempt(guard, there, 'failed')).toBe(1);
      clock.now += 1;
      expect(await attempt(guard, there, 'failed')).toBe(0);
    }
  });

  it('other people, other networks and known devices are not held up', async () => {
    const guard = guardOf(makeStore());
    const there = at();
    for (let i = 0; i < 3; i += 1) await attempt(guard, there, 'failed');
    expect(await attempt(guard, there, 'failed')).toBe(1);
    expect(await attempt(guard, { ...there, name: randomUUID() }, 'failed')).toBe(0);
    expect(await attempt(guard, { ...there, address: '192.0.2.2' }, 'failed')).toBe(0);
    expect(await attempt(guard, { ...there, device: randomUUID() }, 'succeeded')).toBe(0);
    expect(await attempt(guard, there, 'failed')).toBe(1);
  });

  it('a device that guesses is no better than a stranger', async () => {
    const guard = guardOf(makeStore());
    const there = at({ device: randomUUID() });
    for (let i = 0; i < 10 + 3; i += 1) expect(await attempt(guard, there, 'failed')).toBe(0);
    expect(await attempt(guard, there, 'failed')).toBe(1);
  });

  it('the right password makes good what was wrong before', async () => {
    const guard = guardOf(makeStore());
    const there = at();
    for (let round = 0; round < 4; round += 1) {
      for (let i = 0; i < 2; i += 1) expect(await attempt(guard, there, 'failed')).toBe(0);
      expect(await attempt(guard, there, 'succeeded')).toBe(0);
    }
  });

  it('what nobody answered is no failure', async () => {
    const guard = guardOf(makeStore());
    const there = at();
    for (let i = 0; i < 20; i += 1) expect(await attempt(guard, there, 'abandoned')).toBe(0);
  });

  it('a thousand guesses at once are as many as one after the other', async () => {
    const guard = guardOf(makeStore());
    const there = at();
    const results = await Promise.all(Array.from({ length: 1000 }, () => attempt(guard, there, 'failed')));
    expect(results.filter((wait) => wait === 0)).toHaveLength(3);
  });

  it('thirty at once who know the password all get in', async () => {
    const guard = guardOf(makeStore());
    const there = at();
    const results = await Promise.all(Array.from({ length: 30 }, () => attempt(guard, there, 'succeeded')));
    expect(results).toEqual(Array<number>(30).fill(0));
  });

  it('people who try at the same time are judged each by themselves', async () => {
    const guard = guardOf(makeStore());
    const people = Array.from({ length: 8 }, () => at());
    const together = (outcomeOf: (index: number) => AttemptOutcome) =>
      Promise.all(people.map((there, index) => attempt(guard, there, outcomeOf(index))));
    for (let i = 0; i < 3; i += 1) {
      expect(await together((index) => (index % 2 === 0 ? 'failed' : 'succeeded'))).toEqual(Array(8).fill(0));
    }
    expect(await together(() => 'succeeded')).toEqual([1, 0, 1, 0, 1, 0, 1, 0]);
  });

  it('an attempt that never ends holds its place for a while only', async () => {
    const guard = guardOf(makeStore());
    const there = at();
    for (let i = 0; i < 3; i += 1) await guard.begin(there);
    clock.now += 30_000;
    expect(await attempt(guard, there, 'succeeded')).toBe(0);
  });
});

it('Redis and the process judge alike, whatever happens', async () => {
  const step = fc.record({
    wait: fc.integer({ min: 0, max: 40_000 }),
    what: fc.constantFrom('begin' as const, 'succeeded' as const, 'failed' as const, 'abandoned' as const),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const stores = [new LocalAttempts(now), new RedisAttempts(redis, now)] as const;
      const key = randomUUID();
      for (const { wait, what } of steps) {
        clock.now += wait;
        if (what === 'begin') {
          expect(await stores[1].begin(key, limits)).toEqual(stores[0].begin(key, limits));
        } else for (const store of stores) await store.end(key, what, limits);
      }
    }),
    { numRuns: 60 },
  );
});

it('without Redis the process counts by itself, and says that it does', async () => {
  const errors: unknown[] = [];
  const away = {
    begin: () => Promise.reject(new Error('away')),
    end: () => Promise.reject(new Error('away')),
  };
  const guard = guardOf(away, (error) => errors.push(error));
  const there = at();
  for (let i = 0; i < 3; i += 1) expect(await attempt(guard, there, 'failed')).toBe(0);
  expect(await attempt(guard, there, 'failed')).toBe(1);
  expect(errors.length).toBeGreaterThan(3);
});

it('a failure counts, also when Redis goes away in the midst of it', async () => {
  let isAway = false;
  const local = new LocalAttempts(now);
  const shared: AttemptStore = {
    begin: (key, given) => (isAway ? Promise.reject(new Error('away')) : local.begin(`shared ${key}`, given)),
    end: () => Promise.reject(new Error('away')),
  };
  const guard = guardOf(shared);
  const there = at();
  for (let i = 0; i < 3; i += 1) {
    const begun = await guard.begin(there);
    await begun.end('failed');
  }
  isAway = true;
  expect(await attempt(guard, there, 'failed')).toBe(1);
});

it('keeps nothing of what was typed', async () => {
  const guard = guardOf(new RedisAttempts(redis, now));
  await attempt(guard, at({ name: 'a password, by mistake', address: '203.0.113.77' }), 'failed');
  const keys = (await redis.keys('*')).join();
  expect(keys).toContain('auth:attempts:');
  expect(keys).not.toMatch(/password|203\.0/);
});

it.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8:1:2::1', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['somewhere', 'unknown'],
  [undefined, 'unknown'],
])('%s is of the network %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});
