import { startFaultProxy, waitFor, type FaultProxy } from '@rostrum/testing';
import { AuthApp, newDetails, type Person } from './auth-app';

const backWithinMs = 20_000;
let app: AuthApp;
let postgres: FaultProxy;
let redis: FaultProxy;
let ada: Person;
let token: string;

beforeAll(async () => {
  app = await AuthApp.start({
    settings: { DATABASE_QUERY_TIMEOUT_MS: '1500' },
    through: async ({ databaseUrl, redisUrl }) => {
      postgres = await startFaultProxy({ target: databaseUrl });
      redis = await startFaultProxy({ target: redisUrl });
      return { DATABASE_URL: postgres.urlFor(databaseUrl), REDIS_URL: redis.urlFor(redisUrl) };
    },
  });
  ada = await app.person();
  token = await app.tokenOf(ada);
});
afterAll(async () => {
  await app.stop();
  await Promise.all([postgres.close(), redis.close()]);
});

const me = () => app.get('/api/v1/auth/me', { token });
const readiness = async () => (await app.probe('/readyz')).json;

async function expectCached(): Promise<void> {
  await waitFor(
    async () => {
      const hits = await app.metric('cache_requests_total{cache="account",result="hit"}');
      expect((await me()).status).toBe(200);
      return (await app.metric('cache_requests_total{cache="account",result="hit"}')) > hits;
    },
    { what: 'the cache in use', timeoutMs: backWithinMs },
  );
}

it.each<[string, () => Promise<void> | void]>([
  ['gone', () => redis.refuse()],
  ['silent', () => redis.pause()],
])('with Redis %s everything still works, and the cache is used again afterwards', async (_, hurt) => {
  await expectCached();
  await hurt();
  for (let i = 0; i < 3; i += 1) {
    const { status, json } = await me();
    expect([status, json.id]).toEqual([200, ada.id]);
  }
  expect((await app.login(ada.username, ada.password)).status).toBe(200);
  await app.person();
  await waitFor(async () => (await readiness()).degraded.includes('redis'), { what: 'readiness to notice' });
  expect(await app.probe('/readyz')).toMatchObject({ status: 200, json: { down: [] } });
  expect(await app.metric('active_users')).toBeNaN();
  expect(await app.metric('users_registered_total')).toBeGreaterThan(0);

  await redis.heal();
  await expectCached();
  await app.until(async () => (await app.metric('active_users')) > 0, 'people to be counted again');
});

it.each<[string, () => Promise<void> | void]>([
  ['gone', () => postgres.refuse()],
  ['silent', () => postgres.pause()],
])('with PostgreSQL %s there is a clear answer, and it comes back by itself', async (_, hurt) => {
  await expectCached();
  await hurt();
  const refused = await app.login(ada.username, ada.password);
  expect([refused.status, refused.json.code]).toEqual([503, 'POSTGRES_UNAVAILABLE']);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  const details = newDetails();
  expect((await app.register(details)).status).toBe(503);
  await waitFor(async () => (await app.probe('/readyz')).status === 503, { what: 'readiness to fail' });
  expect((await app.probe('/healthz')).status).toBe(200);
  expect((await me()).status).toBe(200);
  expect((await app.get('/.well-known/jwks.json')).status).toBe(200);

  await postgres.heal();
  await waitFor(async () => (await app.login(ada.username, ada.password)).status === 200, {
    what: 'signing in again',
    timeoutMs: backWithinMs,
  });
  expect((await app.register(details)).status).toBe(201);
});
