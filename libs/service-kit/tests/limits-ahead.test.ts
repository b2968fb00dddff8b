import {
  closeRedis,
  createRateLimits,
  createRedis,
  whenRedisReady,
  type LimitAsker,
  type RateLimits,
  type UncountedCaller,
} from '@rostrum/data-access';
import { createTestRedis, waitFor, type TestRedis } from '@rostrum/testing';
import fc from 'fast-check';
import { LimitPolicy } from '../src/limits/limit-policy';
import { Limiter } from '../src/limits/limiter';

const cleanUp: (() => Promise<unknown> | unknown)[] = [];
let redis: TestRedis;
let callers = 0;

beforeAll(async () => {
  redis = await createTestRedis();
});

afterEach(async () => {
  for (const action of cleanUp.splice(0).reverse()) await action();
});

afterAll(() => redis.close());

const quota = 100;
const api = new LimitPolicy({ name: 'api', quota, windowMs: 60_000 });
const auth = new LimitPolicy({ name: 'auth', quota, windowMs: 60_000, strict: true });
/** Of the quota of a caller, what one process may have admitted without Redis knowing of it. */
const uncounted = 10;

/** The limits of one process, which notes what it asks and tells Redis. */
class Process {
  asked = 0;
  toldOf = 0;

  private constructor(readonly limiter: Limiter) {}

  static async start(): Promise<Process> {
    const client = createRedis({ url: redis.url, commandTimeoutMs: 10_000 });
    cleanUp.push(() => closeRedis(client));
    await whenRedisReady(client);
    // A machine that is busy must not let each process decide by itself.
    const shared = createRateLimits({ redis: client, timeoutMs: 10_000 });
    const process: Process = new Process(
      new Limiter({
        shared: {
          get available() {
            return shared.available;
          },
          ask: (...asked: Parameters<RateLimits['ask']>) => {
            process.asked += 1;
            return shared.ask(...asked);
          },
          count: (counted) => {
            process.toldOf += 1;
            shared.count(counted);
          },
        },
      }),
    );
    return process;
  }

  /** Whether the request is admitted, and what its headers tell. */
  async request(
    caller: string,
    policy = api,
  ): Promise<{ admitted: boolean; remaining: number; resetMs: number }> {
    const { state, remaining, resetMs } = await this.limiter.admit(policy, caller).settled();
    return { admitted: state === 'admitted', remaining, resetMs };
  }
}

const newCaller = () => `u:${(callers += 1)}`;
const start = (count: number) => Promise.all(Array.from({ length: count }, () => Process.start()));
const laterTurn = () => new Promise((resolve) => setImmediate(resolve));

describe('a caller who is far from the limit', () => {
  it('is admitted without waiting, then by Redis, and no more than the limit says', async () => {
    const [process] = (await start(1)) as [Process];
    const caller = newCaller();
    const verdicts = [];
    for (let i = 0; i < quota + 5; i += 1) verdicts.push(await process.request(caller));
    expect(verdicts.map(({ admitted }) => admitted)).toEqual([
      ...Array.from({ length: quota }, () => true),
      ...Array.from({ length: 5 }, () => false),
    ]);
    // Of the first half some had to wait until others were counted; of the second half all did, the refused ones not.
    expect(process.asked).toBeGreaterThanOrEqual(quota / 2);
    expect(process.asked).toBeLessThan(quota);
  });

  it('is told of one less each time, and of the same end of the window', async () => {
    const [process] = (await start(1)) as [Process];
    const caller = newCaller();
    const startedAt = performance.now();
    for (let i = 0; i < quota; i += 1) {
      const { remaining, resetMs } = await process.request(caller);
      expect(remaining).toBe(quota - 1 - i);
      expect(resetMs).toBeLessThanOrEqual(60_000);
      expect(resetMs).toBeGreaterThan(59_900 - (performance.now() - startedAt));
    }
  });

  it('is counted by Redis all the same', async () => {
    const [process] = (await start(1)) as [Process];
    const caller = newCaller();
    for (let i = 0; i <= uncounted; i += 1) expect((await process.request(caller)).admitted).toBe(true);
    expect([process.asked, process.toldOf > 0]).toEqual([1, true]);
    const client = createRedis({ url: redis.url });
    cleanUp.push(() => closeRedis(client));
    await waitFor(async () => (await client.llen(`rate:{0}:api:${caller}`)) === 1 + uncounted, {
      what: 'all that was admitted to be counted',
    });
  });

  it('has no more than a tenth of the limit uncounted', async () => {
    const [process] = (await start(1)) as [Process];
    const caller = newCaller();
    await process.request(caller);
    process.asked = 0;
    const burst = Array.from({ length: 40 }, () => process.limiter.admit(api, caller));
    expect(burst.filter(({ state }) => state === 'admitted')).toHaveLength(uncounted);
    expect(process.asked).toBe(40 - uncounted);
    await Promise.all(burst.map((admission) => admission.settled()));
  });

  it('is admitted no more than the limit says when Redis falls silent, in whatever order that is noticed', () => {
    const asked: LimitAsker[] = [];
    const told: UncountedCaller[] = [];
    const shared = {
      available: true,
      ask: (...[, , asker]: Parameters<RateLimits['ask']>) => asked.push(asker) > 0,
      count: (counted: UncountedCaller) => void told.push(counted),
    };
    const limiter = new Limiter({ shared });
    limiter.admit(api, 'somebody');
    asked.pop()?.onVerdict(quota - 1, 60_000, 1);
    const admissions = Array.from({ length: 2 * quota }, () => limiter.admit(api, 'somebody'));
    expect([asked.length, told.length]).toEqual([2 * quota - uncounted, 1]);
    for (const asker of asked) asker.onSilence(1);
    for (const counted of told) counted.onSilence(counted.take());
    expect(admissions.filter(({ state }) => state === 'admitted')).toHaveLength(quota);
  });

  it('waits for Redis where each try may be an attack', async () => {
    const [process] = (await start(1)) as [Process];
    const caller = newCaller();
    for (let i = 0; i < 20; i += 1) await process.request(caller, auth);
    expect([process.asked, process.toldOf]).toEqual([20, 0]);
  });
});

describe('several processes', () => {
  it('admit of one who asks them in turn, one request after another, what the limit says', async () => {
    const processes = await start(3);
    const caller = newCaller();
    let admitted = 0;
    for (let i = 0; i < 2 * quota; i += 1) {
      if ((await processes[i % 3]?.request(caller))?.admitted) admitted += 1;
    }
    expect(admitted).toBe(quota);
    expect(processes.reduce((sum, { asked }) => sum + asked, 0)).toBeLessThan(quota);
  });

  it('admit at most what none of them has told Redis of beyond the limit, whoever asks whom and when', async () => {
    const processes = await start(3);
    /** A burst to one of them, and whether time passes after it. */
    const bursts = fc.array(
      fc.record({ to: fc.nat({ max: 2 }), size: fc.integer({ min: 1, max: 60 }), turns: fc.nat({ max: 3 }) }),
      { minLength: 8, maxLength: 16 },
    );
    await fc.assert(
      fc.asyncProperty(bursts, async (sequence) => {
        const caller = newCaller();
        const all: Promise<{ admitted: boolean }>[] = [];
        for (const { to, size, turns } of sequence) {
          for (let i = 0; i < size; i += 1) all.push((processes[to] as Process).request(caller));
          for (let i = 0; i < turns; i += 1) await laterTurn();
        }
        const admitted = (await Promise.all(all)).filter((verdict) => verdict.admitted).length;
        expect(admitted).toBeGreaterThanOrEqual(Math.min(all.length, quota));
        expect(admitted).toBeLessThanOrEqual(quota + processes.length * uncounted);
      }),
      { numRuns: 40 },
    );
  });
});
