import { account } from '@rostrum/contracts';
import { createRedis, closeRedis } from '@rostrum/data-access';
import { createAccessTokenSigner } from '@rostrum/security';
import { waitFor } from '@rostrum/testing';
import {
  audience,
  issuer,
  newSigningKey,
  problemOf,
  startAuth,
  type AuthApp,
  type Details,
} from './auth-app';

const signingKey = newSigningKey();
let app: AuthApp;
let ada: Details & { id: string };

beforeAll(async () => {
  app = await startAuth({ JWT_SIGNING_KEY: signingKey });
  ada = await app.register();
});
afterAll(() => app.stop());

const me = (token?: string) => app.ask('/api/v1/auth/me', { ...(token !== undefined && { token }) });

interface TokenChanges {
  key?: string;
  issuer?: string;
  audience?: string;
  ttlSeconds?: number;
  userId?: string;
}

/** A token like ours, but for the changes. */
async function tokenLike(changes: TokenChanges): Promise<string> {
  const signer = await createAccessTokenSigner({
    privateKeyPem: changes.key ?? signingKey,
    issuer: changes.issuer ?? issuer,
    audience: changes.audience ?? audience,
    ttlSeconds: changes.ttlSeconds ?? 900,
  });
  return signer.sign({
    userId: changes.userId ?? ada.id,
    sessionId: '0190b5a0-0000-7000-8000-000000000000',
    username: ada.username,
    roles: ['user'],
  });
}

describe('one’s own account', () => {
  it('is shown to whoever holds its token, and kept by no cache on the way', async () => {
    const response = await me(await app.signIn(ada));
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(account.strict().parse(await response.json())).toMatchObject({
      id: ada.id,
      email: ada.email,
      username: ada.username,
    });
  });

  it('is read from PostgreSQL once, then for five minutes from Redis', async () => {
    const grace = await app.register();
    const token = await app.signIn(grace);
    const first = await (await me(token)).text();
    const redis = createRedis({ url: app.redisUrl });
    const key = `cache:account:${grace.id}`;
    await waitFor(() => redis.exists(key), { what: 'the account in the cache' });
    const seconds = await redis.ttl(key);
    expect(seconds).toBeGreaterThan(240);
    expect(seconds).toBeLessThanOrEqual(330);
    await closeRedis(redis);

    // Unseen by the service: only the cache can still know the old name.
    await app.sql('update auth.users set username = $2 where id = $1', [grace.id, `${grace.username}_x`]);
    expect(await (await me(token)).text()).toBe(first);
    expect(await app.metrics()).toMatch(/cache_requests_total\{.*cache="account",result="hit".*\} [1-9]/);
  });

  it('is a 401 where the account is gone', async () => {
    const response = await me(await tokenLike({ userId: '0190b5a0-0000-7000-8000-00000000dead' }));
    expect(response.status).toBe(401);
    expect((await problemOf(response)).code).toBe('UNAUTHORIZED');
  });
});

describe('a token that is refused', () => {
  it.each<[string, () => Promise<string>]>([
    ['signed by somebody else', () => tokenLike({ key: newSigningKey() })],
    ['of another issuer', () => tokenLike({ issuer: 'https://elsewhere.test' })],
    ['for another audience', () => tokenLike({ audience: 'others' })],
    ['expired', () => tokenLike({ ttlSeconds: -10 })],
    ['cut off', async () => (await tokenLike({})).slice(0, -20)],
    ['not a token', () => Promise.resolve('hunter2')],
  ])('is %s', async (_, make) => {
    const response = await me(await make());
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="rostrum"');
    expect(await problemOf(response)).toMatchObject({
      code: 'UNAUTHORIZED',
      detail: 'A valid access token is required',
    });
  });

  it('is not there', async () => {
    expect((await me()).status).toBe(401);
  });

  it('would be taken if nothing were wrong with it', async () => {
    expect((await me(await tokenLike({}))).status).toBe(200);
  });
});

it('without Redis the account comes from PostgreSQL, and the service stays ready', async () => {
  const lonely = await startAuth({ REDIS_URL: 'redis://127.0.0.1:1' });
  const grace = await lonely.register();
  const token = await lonely.signIn(grace);
  for (let i = 0; i < 3; i += 1) {
    const response = await lonely.ask('/api/v1/auth/me', { token });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ id: grace.id });
  }
  expect(await lonely.readiness()).toMatchObject({ status: 'degraded', degraded: ['redis'], down: [] });
  await lonely.stop();
});
