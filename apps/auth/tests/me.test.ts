import { account } from '@rostrum/contracts';
import { createAccessTokenSigner } from '@rostrum/security';
import { waitFor } from '@rostrum/testing';
import { audience, AuthApp, issuer, newSigningKey, type Person } from './auth-app';

const signingKey = newSigningKey();
let app: AuthApp;
let ada: Person;

beforeAll(async () => {
  app = await AuthApp.start({ settings: { JWT_SIGNING_KEY: signingKey } });
  ada = await app.person();
});
afterAll(() => app.stop());

const me = (token: string) => app.get('/api/v1/auth/me', { token });

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
    const { status, headers, json } = await me(await app.tokenOf(ada));
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(headers.get('cache-control')).toBe('private, no-cache');
    expect(account.strict().parse(json)).toMatchObject({
      id: ada.id,
      email: ada.email,
      username: ada.username,
    });
  });

  it('is read from PostgreSQL once, then for a while from Redis', async () => {
    const grace = await app.person();
    const token = await app.tokenOf(grace);
    const first = await me(token);
    const key = `auth:cache:account.1:${grace.id}`;
    await waitFor(() => app.redis.exists(key), { what: 'the account in the cache' });
    const seconds = await app.redis.ttl(key);
    expect(seconds).toBeGreaterThan(240);
    expect(seconds).toBeLessThanOrEqual(1_000);

    // Unseen by the service: only the cache can still know the old name.
    await app.rows(`update auth.users set username = username || '_x' where id = $1`, [grace.id]);
    const hits = await app.metric('cache_requests_total{cache="account",result="hit"}');
    expect((await me(token)).text).toBe(first.text);
    expect(await app.metric('cache_requests_total{cache="account",result="hit"}')).toBe(hits + 1);
  });

  it('is a 401 where the account is gone', async () => {
    const { status, json } = await me(await tokenLike({ userId: '0190b5a0-0000-7000-8000-00000000dead' }));
    expect([status, json.code]).toEqual([401, 'UNAUTHORIZED']);
  });
});

it('whoever comes is counted once as active, however often they come', async () => {
  const before = await app.metric('active_users');
  const people = await Promise.all([app.person(), app.person()]);
  for (const person of people) {
    const token = await app.tokenOf(person);
    for (let i = 0; i < 3; i += 1) await me(token);
  }
  await waitFor(async () => (await app.metric('active_users')) === before + 2, { what: 'two more' });
  await me('hunter2');
  expect(await app.metric('active_users')).toBe(before + 2);
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
    const { status, headers, json } = await me(await make());
    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).toBe('Bearer realm="rostrum"');
    expect(json).toMatchObject({ code: 'UNAUTHORIZED', detail: 'A valid access token is required' });
  });

  it('is not there', async () => {
    expect((await app.get('/api/v1/auth/me')).status).toBe(401);
  });

  it('would be taken if nothing were wrong with it', async () => {
    expect((await me(await tokenLike({}))).status).toBe(200);
  });
});
