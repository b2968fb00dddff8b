import { startPostgresServer, startRedisServer, waitFor, type OwnServer } from '@rostrum/testing';
import { startStoreService, type StoreService } from './store-service';

/** What the design promises, from the end of a fault to the first success. */
const healing = { timeoutMs: 10_000, everyMs: 20 };
const opening = { timeoutMs: 25_000, everyMs: 20 };
const states = { closed: 0, 'half-open': 1, open: 2, 'forced-open': 3 };

let postgres: OwnServer;
let redis: OwnServer;
let running: StoreService;

beforeAll(async () => {
  [postgres, redis] = await Promise.all([startPostgresServer(), startRedisServer()]);
});
afterAll(async () => {
  await Promise.all([postgres.stop(), redis.stop()]);
});
beforeEach(async () => {
  running = await startStoreService({
    DATABASE_URL: postgres.url,
    REDIS_URL: redis.url,
    DATABASE_QUERY_TIMEOUT_MS: '300',
  });
  expect((await running.get('/api/v1/cached')).status).toBe(200);
});
afterEach(() => running.stop());

const stateOf = (name: string) => running.metric(`circuit_breaker_state{name="${name}"}`);
const rejectionsOf = (name: string) =>
  running.metric(`circuit_breaker_rejections_total{name="${name}",reason="circuit-open"}`);
const failuresOf = (name: string) => running.metric(`circuit_breaker_failures_total{name="${name}"}`);
const readyz = async () => (await fetch(`${running.opsUrl}/readyz`)).status;
const linesOf = (text: string) =>
  running.log
    .lines()
    .filter(({ message }) => message.startsWith(text))
    .map(({ level, message }) => `${level} ${message}`);

/** Asks as traffic does, until the circuit is open. */
async function askUntilOpen(name: string, path: string): Promise<void> {
  await waitFor(
    async () => {
      await Promise.all(Array.from({ length: 3 }, () => running.get(path)));
      return (await stateOf(name)) === states.open;
    },
    { ...opening, what: `an open circuit before ${name}` },
  );
}

const faults = ['killed', 'paused'] as const;
const begin = (server: OwnServer, fault: (typeof faults)[number]) =>
  fault === 'killed' ? server.kill() : server.pause();
const end = (server: OwnServer, fault: (typeof faults)[number]) =>
  fault === 'killed' ? server.restart() : server.resume();

describe.each(faults)('PostgreSQL is %s', (fault) => {
  it('is refused at once, with a time to come back; the process is not ready; all is well soon after', async () => {
    await begin(postgres, fault);
    await askUntilOpen('postgres', '/api/v1/stored');
    const before = await rejectionsOf('postgres');
    const refused = await running.get('/api/v1/stored');
    expect(refused.status).toBe(503);
    expect(refused.body).toMatchObject({ code: 'POSTGRES_UNAVAILABLE' });
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(10);
    expect(await rejectionsOf('postgres')).toBeGreaterThan(before);
    expect(await readyz()).toBe(503);
    expect((await running.ops('/healthz/ready')).body).toMatchObject({ down: ['postgres'] });
    expect((await fetch(`${running.opsUrl}/healthz`)).status).toBe(200);
    expect(await failuresOf('postgres')).toBeGreaterThanOrEqual(5);

    await end(postgres, fault);

    const backAt = performance.now();
    await waitFor(async () => (await running.get('/api/v1/stored')).status === 200, healing);
    process.stdout.write(`PostgreSQL ${fault}: healed in ${Math.round(performance.now() - backAt)} ms\n`);
    expect(await stateOf('postgres')).toBe(states.closed);
    await waitFor(async () => (await readyz()) === 200, healing);
    expect(linesOf('The circuit breaker postgres is open')).toEqual([
      'warn The circuit breaker postgres is open',
    ]);
    expect(linesOf('The circuit breaker postgres is closed')).toEqual([
      'info The circuit breaker postgres is closed',
    ]);
  });
});

describe.each(faults)('Redis is %s', (fault) => {
  it('is left out at once, and reads come from PostgreSQL; all is well soon after', async () => {
    await begin(redis, fault);
    await askUntilOpen('redis', '/api/v1/cached');
    const before = await rejectionsOf('redis');
    expect(await running.get('/api/v1/cached')).toMatchObject({
      status: 200,
      body: { value: 'from PostgreSQL' },
    });
    expect(await rejectionsOf('redis')).toBeGreaterThan(before);
    expect(await readyz()).toBe(200);
    expect((await running.ops('/healthz/ready')).body).toMatchObject({
      status: 'degraded',
      degraded: ['redis'],
      down: [],
    });

    await end(redis, fault);

    const backAt = performance.now();
    await waitFor(async () => (await stateOf('redis')) === states.closed, healing);
    process.stdout.write(`Redis ${fault}: healed in ${Math.round(performance.now() - backAt)} ms\n`);
    await waitFor(async () => {
      await running.get('/api/v1/cached');
      return (await running.ops('/healthz/ready')).body.status === 'ready';
    }, healing);
  });
});

it('what callers do wrong counts for nothing', async () => {
  for (const how of ['unique', 'serialization', 'syntax'])
    await Promise.all(Array.from({ length: 10 }, () => running.get(`/api/v1/wrong/${how}`)));
  const gone = Array.from({ length: 10 }, () => {
    const caller = new AbortController();
    const asked = fetch(`${running.url}/api/v1/slow/query`, { signal: caller.signal }).catch(() => undefined);
    setImmediate(() => caller.abort());
    return asked;
  });
  await Promise.all(gone);
  for (const name of ['postgres', 'redis']) {
    expect([name, await stateOf(name), await failuresOf(name)]).toEqual([name, states.closed, 0]);
  }
});

describe('an operator', () => {
  it('sees all circuits', async () => {
    const closed = { state: 'closed', since: expect.any(String) };
    expect((await running.ops('/admin/breakers')).body).toEqual({
      breakers: [
        { ...closed, name: 'postgres', whenOpen: expect.stringContaining('503') },
        { ...closed, name: 'redis', whenOpen: expect.stringContaining('caches are left out') },
      ],
    });
  });

  it('holds a circuit open and lets go of it; both are known afterwards', async () => {
    const opened = await running.ops('/admin/breakers/open?name=postgres', { method: 'POST' });
    expect(opened).toMatchObject({ status: 200, body: { name: 'postgres', state: 'forced-open' } });
    expect(await stateOf('postgres')).toBe(states['forced-open']);
    expect((await running.get('/api/v1/stored')).status).toBe(503);
    expect(await readyz()).toBe(503);
    const reset = await running.ops('/admin/breakers/reset?name=postgres', { method: 'POST' });
    expect(reset).toMatchObject({ status: 200, body: { name: 'postgres', state: 'closed' } });
    expect((await running.get('/api/v1/stored')).status).toBe(200);
    await waitFor(async () => (await readyz()) === 200);
    const audit = running.log.lines().filter((line) => line.audit === true);
    expect(audit).toMatchObject([
      {
        level: 'info',
        action: 'POST /admin/breakers/open',
        parameters: { name: 'postgres' },
        status: 200,
        client_ip: '127.0.0.1',
      },
      { level: 'info', action: 'POST /admin/breakers/reset', parameters: { name: 'postgres' }, status: 200 },
    ]);
  });

  it('holds Redis open, and the service does without', async () => {
    await running.ops('/admin/breakers/open?name=redis', { method: 'POST' });
    expect((await running.get('/api/v1/cached')).body).toEqual({ value: 'from PostgreSQL' });
    expect((await running.ops('/healthz/ready')).body).toMatchObject({ degraded: ['redis'] });
  });

  it('closes a circuit before its time', async () => {
    await postgres.pause();
    await askUntilOpen('postgres', '/api/v1/stored');
    await running.ops('/admin/breakers/open?name=postgres', { method: 'POST' });
    await postgres.resume();
    await running.ops('/admin/breakers/reset?name=postgres', { method: 'POST' });
    await waitFor(async () => (await running.get('/api/v1/stored')).status === 200, healing);
  });

  it('is told which circuits there are, and needs the token', async () => {
    const unknown = await running.ops('/admin/breakers/open?name=oracle', { method: 'POST' });
    expect(unknown).toMatchObject({
      status: 404,
      body: { error: '?name= must be one of: postgres, redis' },
    });
    const headers = { authorization: 'Bearer wrong' };
    for (const path of ['/admin/breakers/open?name=redis', '/admin/breakers/reset?name=redis'])
      expect((await running.ops(path, { method: 'POST', headers })).status).toBe(403);
    expect((await running.ops('/admin/breakers', { headers })).status).toBe(403);
    expect(await stateOf('redis')).toBe(states.closed);
    expect(linesOf('Refused to a stranger: POST')).toHaveLength(2);
  });
});

it('a deliberate end is no loss of anything', async () => {
  const short = await startStoreService({ DATABASE_URL: postgres.url, REDIS_URL: redis.url });
  await short.service.stop('it has nothing to do');
  expect(short.log.lines().filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
  await short.log.close();
});
