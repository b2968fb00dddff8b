import { Agent, request } from 'node:http';
import { withClient } from '@rostrum/data-access';
import {
  createTestRedis,
  startPostgresServer,
  waitFor,
  type OwnServer,
  type TestRedis,
} from '@rostrum/testing';
import { slowStatement, startStoreService, type StoreService } from './store-service';

let postgres: OwnServer;
let redis: TestRedis;
let running: StoreService;

beforeAll(async () => {
  [postgres, redis] = await Promise.all([startPostgresServer(), createTestRedis()]);
});
afterAll(async () => {
  await Promise.all([postgres.stop(), redis.close()]);
});
afterEach(() => running.stop());

async function start(environment: Record<string, string> = {}): Promise<void> {
  running = await startStoreService({
    DATABASE_URL: postgres.url,
    REDIS_URL: redis.url,
    // Not this is what is to end the statements.
    DATABASE_QUERY_TIMEOUT_MS: '60000',
    ...environment,
  });
}

/** How many slow statements the server is running. */
function statementsUnderWay(): Promise<number> {
  return withClient(postgres.url, async (client) => {
    const { rowCount } = await client.query(
      `select from pg_stat_activity where state = 'active' and query = $1`,
      [slowStatement],
    );
    return rowCount ?? 0;
  });
}

const linesOf = (how: string) =>
  running.log.lines().filter(({ path, status }) => path === `/api/v1/slow/${how}` && status !== undefined);

describe.each(['query', 'transaction'])('a slow %s', (how) => {
  it('is ended at the server when the client goes away', async () => {
    await start();
    const client = new AbortController();
    const asked = fetch(`${running.url}/api/v1/slow/${how}`, { signal: client.signal });
    await waitFor(async () => (await statementsUnderWay()) === 1, { what: 'the statement under way' });
    client.abort();
    await expect(asked).rejects.toThrow('aborted');
    await waitFor(async () => (await statementsUnderWay()) === 0, { what: 'the end of the statement' });
    await waitFor(async () => (await running.metric('db_pool_connections{state="active"}')) === 0);
    await waitFor(() => linesOf(how).length === 1);
    expect(linesOf(how)).toMatchObject([{ aborted: true }]);
    expect(running.log.lines().filter(({ level }) => level === 'error')).toEqual([]);
    expect((await running.get('/api/v1/stored')).status).toBe(200);
  });

  it('is ended at the server when it takes too long, and the client is told', async () => {
    await start({ REQUEST_TIMEOUT_MS: '300' });
    const answer = await running.get(`/api/v1/slow/${how}`);
    expect(answer).toMatchObject({ status: 503, body: { code: 'DEADLINE_EXCEEDED' } });
    expect(answer.headers.get('retry-after')).toBe('1');
    await waitFor(async () => (await statementsUnderWay()) === 0, { what: 'the end of the statement' });
    await waitFor(async () => (await running.metric('db_pool_connections{state="active"}')) === 0);
    expect(await waitFor(() => linesOf(how).length > 0 && linesOf(how))).toMatchObject([{ status: 503 }]);
    expect(await running.metric('errors_total{type="DEADLINE_EXCEEDED"}')).toBe(1);
    expect(await running.metric('circuit_breaker_failures_total{name="postgres"}')).toBe(0);
  });
});

it('what a handler answers after its client has been told that it took too long disturbs nobody', async () => {
  await start({ REQUEST_TIMEOUT_MS: '100' });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const get = (path: string) =>
    new Promise<[number | undefined, boolean]>((resolve, reject) => {
      const asked = request(running.url + path, { agent }, (response) =>
        response.resume().on('end', () => resolve([response.statusCode, asked.reusedSocket])),
      );
      asked.on('error', reject).end();
    });
  expect((await get('/api/v1/stored'))[0]).toBe(200);
  expect(await get('/api/v1/slow/deaf')).toEqual([503, true]);
  await waitFor(
    async () =>
      (await running.metric('db_query_duration_seconds_count{operation="deaf",outcome="ok"}')) === 1,
  );
  expect(await get('/api/v1/stored')).toEqual([200, true]);
  await waitFor(() => linesOf('deaf').length === 1);
  expect(running.log.lines().filter(({ level }) => level === 'error')).toEqual([]);
  agent.destroy();
});
