import { startRedisServer, waitFor, type OwnServer } from '@rostrum/testing';
import { many, newUser, startLimitedService, statuses, type LimitedService } from './limited-service';

const cleanUp: (() => Promise<unknown> | unknown)[] = [];
let server: OwnServer;

beforeEach(async () => {
  server = await startRedisServer();
  cleanUp.push(() => server.stop());
});

afterEach(async () => {
  for (const action of cleanUp.splice(0).reverse()) await action();
});

async function start(environment: Record<string, string> = {}): Promise<LimitedService> {
  const service = await startLimitedService(server.url, environment);
  cleanUp.push(() => service.stop());
  return service;
}

/** What cannot be asked of Redis is loaded, so that only the limiter is looked at. */
const outages: [string, (server: OwnServer) => Promise<void>, (server: OwnServer) => Promise<void>][] = [
  ['is killed', (redis) => redis.kill(), (redis) => redis.restart()],
  ['is paused', (redis) => redis.pause(), (redis) => redis.resume()],
];

const localOnly = (service: LimitedService) =>
  waitFor(() => service.log.lines().some(({ message }) => /each process does for itself/.test(message)), {
    what: 'the process to decide for itself',
  });

describe.each(outages)('when Redis %s', (what, begin, end) => {
  it('each process goes on with limits of its own, and nobody gets a 5xx', async () => {
    const service = await start({ RATE_LIMIT_API_REQUESTS: '50' });
    const [ada, grace] = [await newUser(), await newUser()];
    await many(50, () => service.asUser(ada));
    await begin(server);
    const times: number[] = [];
    const timed = async (user: string) => {
      const startedAt = performance.now();
      const answer = await service.asUser(user);
      times.push(performance.now() - startedAt);
      return answer;
    };
    // Whoever was over the limit is so still: that is remembered here.
    expect(statuses(await many(5, () => timed(ada)))).toEqual({ 429: 5 });
    const answers = await many(120, () => timed(grace));
    expect(statuses(answers)).toEqual({ 200: 50, 429: 70 });
    expect(await service.rejections('api', 'limiter_unavailable')).toBe(70);
    expect(await service.rejections('api', 'limit')).toBe(5);
    const refused = answers.find(({ status }) => status === 429);
    expect(refused?.headers).toMatchObject({ 'x-ratelimit-limit': '50', 'retry-after': expect.any(String) });
    times.sort((one, other) => one - other);
    const p99 = times[Math.floor(times.length * 0.99)] as number;
    process.stdout.write(`Redis ${what}: p99 ${p99.toFixed(0)} ms, longest ${times.at(-1)?.toFixed(0)} ms\n`);
    await end(server);
    await waitFor(
      () => service.log.lines().some(({ message }) => /decides on rate limits again/.test(message)),
      {
        what: 'Redis to decide again',
        timeoutMs: 30_000,
      },
    );
    const alan = await newUser();
    expect(statuses(await many(60, () => service.asUser(alan)))).toEqual({ 200: 50, 429: 10 });
  });

  it('credentials stay guarded: what was admitted before counts, and each instance has its part', async () => {
    const environment = { RATE_LIMIT_AUTH_REQUESTS: '6', RATE_LIMIT_INSTANCES: '3' };
    const [first, second] = [await start(environment), await start(environment)];
    expect(statuses(await many(2, () => first.signIn(), 1))).toEqual({ 200: 2 });
    await begin(server);
    expect(statuses(await many(5, () => first.signIn(), 1))).toEqual({ 429: 5 });
    expect(statuses(await many(5, () => second.signIn(), 1))).toEqual({ 200: 2, 429: 3 });
    expect(await second.rejections('auth', 'limiter_unavailable')).toBe(3);
    await end(server);
  });
});

it('a Redis that is slow keeps nobody waiting but the first', async () => {
  const service = await start({ RATE_LIMIT_REDIS_TIMEOUT_MS: '200' });
  const ada = await newUser();
  await service.asUser(ada);
  await server.pause();
  await Promise.all([service.asUser(ada), localOnly(service)]);
  const startedAt = performance.now();
  const body = { method: 'POST', body: { text: 'x' }, headers: { authorization: ada } };
  for (let i = 0; i < 20; i += 1) expect((await service.ask('/api/v1/items', body)).status).toBe(200);
  const eachMs = (performance.now() - startedAt) / 20;
  process.stdout.write(`paused: a write waits ${eachMs.toFixed(1)} ms\n`);
  // Far below the patience with Redis, which each of them would have cost.
  expect(eachMs).toBeLessThan(150);
  await server.resume();
});
