import fc from 'fast-check';
import {
  createTestDatabase,
  startFaultProxy,
  startRedisServer,
  waitFor,
  type FaultProxy,
  type OwnServer,
  type TestDatabase,
} from '@rostrum/testing';
import { Client } from 'pg';
import { thingsMigrations } from '../things';
import { CacheProgram, type CacheProcess } from './cache-process';
import { staleReads } from './history';
import type { Operation } from './messages';

let redis: OwnServer;
let database: TestDatabase;
let admin: Client;
let program: CacheProgram;

beforeAll(async () => {
  redis = await startRedisServer({ persistent: true });
  database = await createTestDatabase('alpha', thingsMigrations);
  admin = new Client({ connectionString: database.url });
  await admin.connect();
  program = new CacheProgram();
});
afterAll(async () => {
  program.remove();
  await admin.end();
  await database.drop();
  await redis.stop();
});

let things = 0;
async function newThing(): Promise<string> {
  things += 1;
  const name = `thing ${things}`;
  await admin.query('insert into things (name) values ($1)', [name]);
  return name;
}
const loadsOf = async (name: string) =>
  (await admin.query<{ size: number }>('select size from things where name = $1', [name])).rows[0]?.size;
const start = (count: number, ...args: Parameters<CacheProgram['start']>) =>
  Promise.all(Array.from({ length: count }, () => program.start(...args)));

describe('three processes', () => {
  /** Only what is dead is to be taken for it here, however busy the machine is. */
  const patientMs = '10000';
  let quick: OwnServer;
  let processes: CacheProcess[];

  beforeAll(async () => {
    quick = await startRedisServer();
    processes = await start(3, quick.url, database.url, patientMs);
  });
  afterAll(() => quick.stop());

  it('with 1,000 misses of one key at once load it once', async () => {
    for (let round = 0; round < 3; round += 1) {
      const key = await newThing();
      const answers = await Promise.all(
        processes.map((each) => each.tell<number>({ do: 'read', key, times: 334, loadMs: 100 })),
      );
      expect(answers).toEqual([1, 1, 1]);
      expect(await loadsOf(key)).toBe(1);
    }
  });

  it('take over once from one that is killed while it loads, and nobody waits for long', async () => {
    const [holder, ...others] = processes as [CacheProcess, ...CacheProcess[]];
    const key = await newThing();
    const lost = holder.tell({ do: 'read', key, loadMs: 600_000 });
    await waitFor(async () => (await loadsOf(key)) === 1, { what: 'the first load' });
    const waiting = others.map((each) => each.tell<number>({ do: 'read', key, times: 500, loadMs: 100 }));
    holder.kill();
    const killedAt = performance.now();
    await expect(lost).rejects.toThrow('gone');
    expect(await Promise.all(waiting)).toEqual([1, 1]);
    const waitedMs = Math.round(performance.now() - killedAt);
    process.stdout.write(
      `a killed loader, its lease three seconds long, is taken over from after ${waitedMs} ms\n`,
    );
    expect(await loadsOf(key)).toBe(2);
  });
});

describe('whatever becomes of Redis', () => {
  const processCount = 3;
  let proxies: FaultProxy[];
  let processes: CacheProcess[];

  beforeAll(async () => {
    proxies = await Promise.all(
      Array.from({ length: processCount }, () => startFaultProxy({ target: redis.url })),
    );
    processes = await Promise.all(
      proxies.map((proxy) => program.start(proxy.urlFor(redis.url), database.url)),
    );
  });
  afterAll(() => Promise.all(proxies.map((proxy) => proxy.close())));

  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const proxyAt = (index: number) => proxies[index % processCount] as FaultProxy;
  type Fault = { kind: 'restart' | 'freeze' | 'reset' | 'slow' | 'calm'; ms: number; who: number };
  const strike: Record<Fault['kind'], (fault: Fault) => Promise<unknown>> = {
    restart: () => redis.restart(),
    freeze: async ({ ms }) => {
      await redis.pause();
      await pause(ms);
      await redis.resume();
    },
    reset: async ({ who }) => proxyAt(who).reset(),
    slow: async ({ who, ms }) => {
      proxyAt(who).delay(ms / 4);
      await pause(2 * ms);
      await proxyAt(who).heal();
    },
    calm: () => Promise.resolve(),
  };
  const fault = fc.record({
    kind: fc.constantFrom<Fault['kind'][]>('restart', 'freeze', 'reset', 'slow', 'calm'),
    ms: fc.integer({ min: 20, max: 600 }),
    who: fc.nat(processCount - 1),
  });

  async function run(faults: readonly Fault[], seed: number): Promise<Operation[]> {
    const keys = [await newThing(), await newThing()];
    const traffic = { keys, forMs: 2_500, actors: 4 };
    const histories = Promise.all(
      processes.map((each, index) =>
        each.tell<Operation[]>({ do: 'traffic', traffic: { ...traffic, seed: seed + index } }),
      ),
    );
    try {
      for (const each of faults) {
        await strike[each.kind](each);
        await pause(each.ms);
      }
    } finally {
      await histories;
    }
    return (await histories).flat();
  }

  it('nobody reads less than what has been acknowledged', async () => {
    const seed = Number(process.env.FAST_CHECK_SEED ?? Date.now() % 2 ** 31);
    let reads = 0;
    let writes = 0;
    process.stdout.write(`histories of the cache: seed ${seed}\n`);
    await fc.assert(
      fc.asyncProperty(fc.array(fault, { minLength: 1, maxLength: 4 }), fc.nat(), async (faults, own) => {
        const history = await run(faults, own);
        const done = history.filter(({ version }) => version !== undefined);
        reads += done.filter(({ kind }) => kind === 'read').length;
        writes += done.filter(({ kind }) => kind === 'write').length;
        expect(staleReads(history)).toEqual([]);
      }),
      { seed, numRuns: 5, endOnFailure: true },
    );
    process.stdout.write(`${reads} reads and ${writes} writes, none of them stale\n`);
    expect(writes).toBeGreaterThan(50);
  }, 120_000);

  it('nor after it was away for so long that a change was acknowledged without it, though nobody can tell it any more', async () => {
    const cut = await startFaultProxy({ target: redis.url });
    const writer = await program.start(cut.urlFor(redis.url), database.url);
    const [reader, idle] = (await start(2, redis.url, database.url)) as [CacheProcess, CacheProcess];
    const key = await newThing();
    const look = (each: CacheProcess) => each.tell<[number, string]>({ do: 'version', key });
    for (const each of [writer, reader, idle]) expect((await look(each))[0]).toBe(0);
    await redis.pause();
    // What the writer sends from now on never arrives, also not when Redis is back.
    cut.halfOpen();
    const startedAt = performance.now();
    expect(await writer.tell({ do: 'write', key })).toBe(1);
    process.stdout.write(
      `without Redis, the first change is acknowledged after ${Math.round(performance.now() - startedAt)} ms\n`,
    );
    const againAt = performance.now();
    expect(await writer.tell({ do: 'write', key })).toBe(2);
    process.stdout.write(`a later one after ${Math.round(performance.now() - againAt)} ms\n`);
    writer.kill();
    expect(await look(reader)).toEqual([2, 'error']);
    await redis.resume();
    // What was cached before still stands in Redis. One of these has asked nothing while it was away.
    const versions = new Set<number>();
    await waitFor(async () => {
      const seen = await Promise.all([reader, idle].map(look));
      for (const [version] of seen) versions.add(version);
      return seen.every(([, result]) => result === 'hit');
    });
    expect([...versions]).toEqual([2]);
    for (const each of [reader, idle]) each.kill();
    await cut.close();
  }, 60_000);
});
