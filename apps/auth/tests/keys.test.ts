import { createPublicKey, type JsonWebKey } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { audience, issuer, newSigningKey, startAuth, type AuthApp } from './auth-app';

let app: AuthApp;

beforeAll(async () => {
  app = await startAuth();
});
afterAll(() => app.stop());

interface PublicKey extends JsonWebKey {
  kid: string;
}

async function publishedKeys(): Promise<PublicKey[]> {
  const response = await app.ask('/.well-known/jwks.json');
  expect(response.status).toBe(200);
  expect(response.headers.get('cache-control')).toBe('public, max-age=300');
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
  return ((await response.json()) as { keys: PublicKey[] }).keys;
}

it('publishes the public half of the key, and nothing of the private one', async () => {
  expect(await publishedKeys()).toEqual([
    {
      kty: 'RSA',
      n: expect.any(String),
      e: 'AQAB',
      kid: expect.any(String),
      alg: 'RS256',
      use: 'sig',
    },
  ]);
});

it('another library verifies a token by the published key', async () => {
  const ada = await app.register();
  const token = await app.signIn(ada);
  const named = jwt.decode(token, { complete: true })?.header.kid;
  const key = (await publishedKeys()).find(({ kid }) => kid === named);
  const publicKey = createPublicKey({ key: key as JsonWebKey, format: 'jwk' });

  const expected = { algorithms: ['RS256' as const], issuer, audience };
  expect(jwt.verify(token, publicKey, expected)).toMatchObject({ sub: ada.id });
  expect(() => jwt.verify(token, publicKey, { ...expected, audience: 'others' })).toThrow(/audience/);
  const [head, , signature] = token.split('.');
  const forged = Buffer.from(JSON.stringify({ ...(jwt.decode(token) as object), sub: 'me' })).toString(
    'base64url',
  );
  expect(() => jwt.verify([head, forged, signature].join('.'), publicKey, expected)).toThrow(/signature/);
});

it('the same key has the same id after a restart, another key another', async () => {
  const key = newSigningKey();
  const ids = [];
  for (const JWT_SIGNING_KEY of [key, key, newSigningKey()]) {
    const other = await startAuth({ JWT_SIGNING_KEY });
    const response = await other.ask('/.well-known/jwks.json');
    ids.push(((await response.json()) as { keys: PublicKey[] }).keys[0]?.kid);
    await other.stop();
  }
  expect(ids[1]).toBe(ids[0]);
  expect(ids[2]).not.toBe(ids[0]);
});
