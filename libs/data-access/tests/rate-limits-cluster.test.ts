import { startRedisCluster, type RedisGroup } from '@rostrum/testing';
import { closeRedis, createRateLimits, createRedis, whenRedisReady, type RateLimits } from '../src';

let cluster: RedisGroup;
const cleanUp: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  cluster = await startRedisCluster();
});
afterAll(() => cluster.stop());
afterEach(async () => {
  for (const action of cleanUp.splice(0).reverse()) await action();
});

async function connect(): Promise<RateLimits> {
  const redis = createRedis({ clusterNodes: cluster.members, commandTimeoutMs: 3_000 });
  cleanUp.push(() => closeRedis(redis));
  await whenRedisReady(redis);
  return createRateLimits({ redis, timeoutMs: 3_000 });
}

const limit = { name: 'test', quota: 10, windowMs: 60_000 };

const admitted = (limits: RateLimits, caller: string) =>
  new Promise<boolean>((resolve, reject) => {
    const silence = () => reject(new Error('Redis does not decide'));
    const asked = limits.ask(limit, caller, {
      onVerdict: (remaining) => resolve(remaining >= 0),
      onSilence: silence,
    });
    if (!asked) silence();
  });

it('is one limit for each of many callers, wherever in the cluster they are counted', async () => {
  const instances = await Promise.all([connect(), connect(), connect()]);
  const callers = Array.from({ length: 60 }, (_, index) => `caller ${index}`);
  const requests = callers.flatMap((caller) => Array.from({ length: 21 }, () => caller));
  const verdicts = await Promise.all(
    requests.map(async (caller, index) => ({
      caller,
      isAdmitted: await admitted(instances[index % 3] as RateLimits, caller),
    })),
  );
  const counts = callers.map(
    (caller) => verdicts.filter((verdict) => verdict.caller === caller && verdict.isAdmitted).length,
  );
  expect(counts).toEqual(callers.map(() => 10));
});
