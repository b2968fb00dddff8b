import { createTestRedis, waitFor, type TestRedis } from '@rostrum/testing';
import {
  many,
  newUser,
  patient,
  startLimitedService,
  statuses,
  type LimitedService,
} from './limited-service';

const cleanUp: (() => Promise<unknown> | unknown)[] = [];
let redis: TestRedis;

beforeEach(async () => {
  redis = await createTestRedis();
  cleanUp.push(() => redis.close());
});

afterEach(async () => {
  for (const action of cleanUp.splice(0).reverse()) await action();
});

async function start(environment: Record<string, string> = {}): Promise<LimitedService> {
  const service = await startLimitedService(redis.url, { ...patient, ...environment });
  cleanUp.push(() => service.stop());
  return service;
}

const behindProxy = { TRUSTED_PROXIES: '127.0.0.1' };

describe('the limit of the API', () => {
  it('is 100 requests of a user in a minute, whatever they ask for', async () => {
    const service = await start();
    const [ada, grace] = [await newUser(), await newUser()];
    const body = { method: 'POST', body: { text: 'x' }, headers: { authorization: ada } };
    const reads = await many(60, () => service.asUser(ada));
    const writes = await many(60, () => service.ask('/api/v1/items', body));
    expect(statuses(reads)).toEqual({ 200: 60 });
    expect(statuses(writes)).toEqual({ 200: 40, 429: 20 });
    expect((await service.asUser(grace)).status).toBe(200);
    expect(await service.rejections('api', 'limit')).toBe(20);
    expect(await service.rejections('auth', 'limit')).toBe(0);
    expect(await service.rejections('api', 'limiter_unavailable')).toBe(0);
  });

  it('is the same one for three instances, to the last request', async () => {
    const instances = [await start(), await start(), await start()];
    const ada = await newUser();
    const answers = await many(240, (index) => (instances[index % 3] as LimitedService).asUser(ada));
    expect(statuses(answers)).toEqual({ 200: 100, 429: 140 });
  });

  it('counts strangers by their address, those too whose token is none', async () => {
    const service = await start({ RATE_LIMIT_API_REQUESTS: '10' });
    const forged = { headers: { authorization: 'Bearer forged' } };
    const answers = [
      ...(await many(4, () => service.ask('/api/v1/open'))),
      ...(await many(4, () => service.ask('/api/v1/items/a'))),
      ...(await many(4, () => service.ask('/api/v1/items/a', forged))),
      await service.ask('/api/v1/open'),
    ];
    expect(statuses(answers)).toEqual({ 200: 4, 401: 6, 429: 3 });
    expect((await service.asUser(await newUser())).status).toBe(200);
  });

  it('counts, by address, what is no route, but no probe', async () => {
    const service = await start({ RATE_LIMIT_API_REQUESTS: '5' });
    const probes = await many(20, () => service.ask('/healthz'));
    const strays = await many(7, (index) => service.ask(index % 2 ? '/wp-login.php' : '/openapi.json'));
    expect(statuses(probes)).toEqual({ 200: 20 });
    expect(statuses(strays)).toEqual({ 200: 3, 404: 2, 429: 2 });
    const refused = strays.find(({ status }) => status === 429);
    expect(refused?.json).toMatchObject({ code: 'TOO_MANY_REQUESTS', policy: 'api' });
    expect(refused?.headers).toMatchObject({
      'retry-after': expect.stringMatching(/^[1-9]\d?$/),
      'x-ratelimit-limit': '5',
      'x-ratelimit-remaining': '0',
      'ratelimit-policy': expect.stringMatching(/^"api"; q=5; w=60/),
      'content-type': 'application/problem+json',
    });
    expect((await service.ask('/api/v1/open')).status).toBe(429);
  });

  it('leaves alone what has none', async () => {
    const service = await start({ RATE_LIMIT_API_REQUESTS: '1' });
    const answers = await many(10, () => service.ask('/api/v1/free'));
    expect(statuses(answers)).toEqual({ 200: 10 });
    expect(answers[0]?.headers).not.toHaveProperty('ratelimit');
  });
});

describe('the limit of credentials', () => {
  it('is 5 requests of an address in a minute, and no part of that of the API', async () => {
    const service = await start();
    const answers = await many(8, () => service.signIn(), 1);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 429, 429, 429]);
    expect((await service.ask('/api/v1/open')).status).toBe(200);
    expect(await service.rejections('auth', 'limit')).toBe(3);
    expect(service.handled).toHaveLength(5);
  });

  it('is counted by address also where it is known who asks', async () => {
    const service = await start();
    const users = [await newUser(), await newUser(), await newUser()];
    const answers = await many(7, (index) => {
      const headers = { authorization: users[index % 3] as string };
      return service.ask('/api/v1/password', { method: 'POST', body: { text: 'new' }, headers });
    });
    expect(statuses(answers)).toEqual({ 200: 5, 429: 2 });
    expect((await service.signIn()).status).toBe(429);
  });

  it('is counted by the address of the client, not by that of the proxy', async () => {
    const service = await start(behindProxy);
    const from = (address: string) => service.signIn({ 'x-forwarded-for': address });
    expect(statuses(await many(6, () => from('198.51.100.1')))).toEqual({ 200: 5, 429: 1 });
    expect((await from('198.51.100.2')).status).toBe(200);
  });
});

describe('the address of a client', () => {
  it.each([
    [
      'says so itself, without a proxy between',
      {},
      (index: number) => `203.0.113.${index % 250}, 10.0.0.${index % 9}`,
    ],
    [
      'says so to the proxy, which adds who it is',
      behindProxy,
      (index: number) => `203.0.113.${index % 250}, ${index}.1.1.1, 198.51.100.7`,
    ],
    [
      'sends something that is no address',
      behindProxy,
      (index: number) => `<script>${index}</script>, 198.51.100.7`,
    ],
  ])('is one bucket, though it %s, 1,000 times', async (_, environment, forged) => {
    const service = await start({ ...environment, RATE_LIMIT_API_REQUESTS: '20' });
    const answers = await many(1000, (index) =>
      service.ask('/api/v1/open', { headers: { 'x-forwarded-for': forged(index) } }),
    );
    expect(statuses(answers)).toEqual({ 200: 20, 429: 980 });
  });

  it('is all of its /64, and the IPv4 address that an IPv6 one stands for', async () => {
    const service = await start({ ...behindProxy, RATE_LIMIT_API_REQUESTS: '10' });
    const from = (address: string) =>
      service.ask('/api/v1/open', { headers: { 'x-forwarded-for': address } });
    const within = await many(500, (index) => from(`2001:db8:1:2:${index.toString(16)}:${index}::1`));
    expect(statuses(within)).toEqual({ 200: 10, 429: 490 });
    expect((await from('2001:db8:1:3::1')).status).toBe(200);
    const forms = ['198.51.100.9', '::ffff:198.51.100.9', '::ffff:c633:6409', '0:0:0:0:0:ffff:c633:6409'];
    const mapped = await many(12, (index) => from(forms[index % forms.length] as string));
    expect(statuses(mapped)).toEqual({ 200: 10, 429: 2 });
    expect((await from('198.51.100.10')).status).toBe(200);
  });
});

describe('an answer', () => {
  const seconds = /^([1-9]|[1-5]\d|60)$/;

  it('tells what is left in both families of headers, whatever it is', async () => {
    const service = await start();
    const ada = await newUser();
    const answers = [
      await service.asUser(ada),
      await service.asUser(ada, '/api/v1/items/missing'),
      await service.asUser(ada, '/api/v1/items/INVALID'),
      await service.ask('/api/v1/items', {
        method: 'POST',
        headers: { authorization: ada, 'content-type': 'application/json' },
      }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 400, 400]);
    answers.forEach(({ headers }, index) => {
      const remaining = 99 - index;
      expect(headers['x-ratelimit-limit']).toBe('100');
      expect(headers['x-ratelimit-remaining']).toBe(String(remaining));
      const resetIn = Number(headers['x-ratelimit-reset']) - Date.now() / 1000;
      expect(resetIn).toBeGreaterThan(0);
      expect(resetIn).toBeLessThanOrEqual(61);
      expect(headers['ratelimit-policy']).toBe('"api";q=100;w=60');
      const [, r, t] = /^"api";r=(\d+);t=(\d+)$/.exec(headers['ratelimit'] as string) ?? [];
      expect(Number(r)).toBe(remaining);
      expect(t).toMatch(seconds);
    });
  });

  it('of a 429 says when to come back, and how to wait if that was not enough', async () => {
    const service = await start({ RATE_LIMIT_AUTH_REQUESTS: '1' });
    await service.signIn();
    const { status, headers, json } = await service.signIn();
    expect(status).toBe(429);
    expect(headers['content-type']).toBe('application/problem+json');
    expect(headers['retry-after']).toMatch(seconds);
    expect(headers).toMatchObject({ 'x-ratelimit-remaining': '0', 'ratelimit-policy': '"auth";q=1;w=60' });
    const retryAfterSeconds = Number(headers['retry-after']);
    expect(headers['ratelimit']).toBe(`"auth";r=0;t=${retryAfterSeconds}`);
    expect(json).toMatchObject({
      type: 'urn:rostrum:problem:too-many-requests',
      status: 429,
      code: 'TOO_MANY_REQUESTS',
      policy: 'auth',
      retryAfterSeconds,
      backoff: { strategy: 'exponential', initialSeconds: retryAfterSeconds, multiplier: 2, jitter: 'full' },
      requestId: expect.any(String),
    });
  });

  it('is no 429 any more when it was told to come back', async () => {
    const service = await start({ RATE_LIMIT_AUTH_REQUESTS: '1', RATE_LIMIT_AUTH_WINDOW_SECONDS: '1' });
    await service.signIn();
    const { headers } = await service.signIn();
    expect(headers['retry-after']).toBe('1');
    const until = Number(headers['x-ratelimit-reset']) * 1000;
    await waitFor(() => Date.now() >= until, { what: 'the time that the answer named' });
    expect((await service.signIn()).status).toBe(200);
  });
});

describe('a client who is over the limit', () => {
  it('costs neither a handler nor a question to Redis', async () => {
    const service = await start({ RATE_LIMIT_API_REQUESTS: '3' });
    const ada = await newUser();
    await many(3, () => service.asUser(ada), 1);
    const scripts = async () =>
      /cmdstat_evalsha:calls=(\d+)/.exec(await service.redis.info('commandstats'))?.[1];
    service.handled.length = 0;
    const before = await scripts();
    expect(statuses(await many(100, () => service.asUser(ada)))).toEqual({ 429: 100 });
    // Suites beside this one share the server; a hundred questions of this one could not hide among theirs.
    expect(Number(await scripts()) - Number(before)).toBeLessThan(50);
    expect(service.handled).toEqual([]);
  });
});
