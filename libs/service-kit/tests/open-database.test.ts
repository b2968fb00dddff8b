import {
  createTestDatabase,
  createTestRedis,
  waitFor,
  type TestDatabase,
  type TestRedis,
} from '@rostrum/testing';
import { startStoreService, type StoreService } from './store-service';

let own: TestDatabase;
let redis: TestRedis;
let running: StoreService | undefined;

beforeAll(async () => {
  own = await createTestDatabase('posts', { source: {} });
  redis = await createTestRedis();
});

afterEach(async () => {
  await running?.stop();
  running = undefined;
});

afterAll(async () => {
  await redis.close();
  await own.drop();
});

async function start(environment: Record<string, string>): Promise<StoreService> {
  running = await startStoreService({ DATABASE_URL: own.url, REDIS_URL: redis.url, ...environment });
  return running;
}

const refusal = (environment: Record<string, string>) =>
  start(environment).then(
    () => 'none',
    (error: Error) => error.message,
  );

describe('the budget of connections', () => {
  it('is the sum of all processes, and a start that would go beyond what the server has is refused', async () => {
    const refused = await refusal({ DATABASE_MAX_CONNECTIONS: '200', DATABASE_EXPECTED_REPLICAS: '2' });
    expect(refused).toContain('2 processes × 200 connections = 400');
    expect(refused).toMatch(/more than the \d+ that PostgreSQL has for them: max_connections \d+ − \d+/);
    const reserved = await refusal({ DATABASE_MAX_CONNECTIONS: '5', DATABASE_RESERVED_CONNECTIONS: '9999' });
    expect(reserved).toContain('9999 in reserve');
  });

  it('is not asked for of a server behind a pooler', async () => {
    expect(await refusal({ DATABASE_MAX_CONNECTIONS: '5000', DATABASE_POOLER: 'transaction' })).toBe('none');
  });

  it('does not keep a service from starting before its database', async () => {
    const url = 'postgres://rostrum_posts:x@127.0.0.1:1/posts';
    expect(await refusal({ DATABASE_URL: url, DATABASE_MAX_CONNECTIONS: '5000' })).toBe('none');
  });
});

it('tells of connections, slow queries and what was forgotten', async () => {
  const service = await start({
    DATABASE_MIN_IDLE: '2',
    DATABASE_SLOW_QUERY_MS: '200',
    DATABASE_LEAK_AFTER_SECONDS: '1',
  });
  await waitFor(async () => (await service.metric('db_pool_connections{state="idle"}')) === 2);
  expect(await service.metric('db_pool_connections{state="max"}')).toBe(5);
  expect(await service.metric('db_pool_connections{state="waiting"}')).toBe(0);
  expect(await service.metric('db_connection_leaks_total')).toBe(0);
  await service.get('/api/v1/slow/deaf');
  const slow = service.log.lines().find(({ message }) => /^The query deaf took \d/.test(message));
  expect(slow).toMatchObject({ level: 'warn', operation: 'deaf', request_id: expect.any(String) as string });
  const caller = new AbortController();
  const forgotten = fetch(`${service.url}/api/v1/slow/transaction`, { signal: caller.signal });
  await waitFor(async () => (await service.metric('db_connection_leaks_total')) === 1);
  caller.abort();
  await expect(forgotten).rejects.toThrow();
  const leak = service.log.lines().find(({ message }) => message.includes('not given back'));
  expect(leak).toMatchObject({ level: 'error', stack: expect.stringContaining('store-service') as string });
});

it('answers what PostgreSQL complains of by whose fault it is', async () => {
  const service = await start({});
  const outcome = async (how: string) => {
    const { status, body } = await service.get(`/api/v1/wrong/${how}`);
    return [status, body['code']];
  };
  expect(await outcome('serialization')).toEqual([503, 'TRANSACTION_CONFLICT']);
  expect(await outcome('syntax')).toEqual([500, 'INTERNAL_ERROR']);
});
