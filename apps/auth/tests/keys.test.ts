import { createPublicKey, type JsonWebKey } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { audience, AuthApp, issuer } from './auth-app';

let app: AuthApp;

beforeAll(async () => {
  app = await AuthApp.start();
});
afterAll(() => app.stop());

const keyOf = (token: string) => jwt.decode(token, { complete: true })?.header.kid;

interface PublishedKey extends JsonWebKey {
  kid: string;
}

async function publishedKeys(from = app): Promise<PublishedKey[]> {
  const { status, headers, json } = await from.get('/.well-known/jwks.json');
  expect(status).toBe(200);
  expect(headers.get('cache-control')).toBe('public, max-age=300');
  expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
  return json.keys;
}

it('publishes the public halves of the key that signs and of the next one, and nothing of the private ones', async () => {
  const key = {
    kty: 'RSA',
    n: expect.any(String),
    e: 'AQAB',
    kid: expect.any(String),
    alg: 'RS256',
    use: 'sig',
  };
  expect(await publishedKeys()).toEqual([key, key]);
});

it('another library verifies a token by the published key', async () => {
  const ada = await app.person();
  const token = await app.tokenOf(ada);
  const key = (await publishedKeys()).find(({ kid }) => kid === keyOf(token));
  const publicKey = createPublicKey({ key: key as JsonWebKey, format: 'jwk' });

  const expected = { algorithms: ['RS256' as const], issuer, audience };
  expect(jwt.verify(token, publicKey, expected)).toMatchObject({ sub: ada.id });
  expect(() => jwt.verify(token, publicKey, { ...expected, audience: 'others' })).toThrow(/audience/);
  const [head, , signature] = token.split('.');
  const claims = { ...(jwt.decode(token) as object), sub: 'somebody else' };
  const forged = [head, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.');
  expect(() => jwt.verify(forged, publicKey, expected)).toThrow(/signature/);
});

it('a process that has not heard that its key is revoked signs with the next one', async () => {
  const ada = await app.person();
  const { accessToken, refreshToken } = await app.signIn(ada);
  const other = await app.second();
  const revoked = keyOf(accessToken);
  // As another process does it, but for the news of it: the next key signs at once.
  await app.rows(
    `update auth.signing_keys set signs_from = coalesce(signs_from, now()),
       revoked_at = case kid when $1 then now() end,
       sealed_private_key = case kid when $1 then null else sealed_private_key end`,
    [revoked],
  );
  const [signedIn, refreshed] = await Promise.all([
    other.login(ada.username, ada.password),
    app.refresh(refreshToken),
  ]);
  for (const { status, json } of [signedIn, refreshed]) {
    expect(status).toBe(200);
    expect(keyOf(json.accessToken)).not.toBe(revoked);
    expect((await app.get('/api/v1/auth/me', { token: json.accessToken })).status).toBe(200);
  }
});
