import { createHmac, generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isAppError } from '@rostrum/errors';
import { SignJWT, type JSONWebKeySet } from 'jose';
import {
  createAccessTokenSigner,
  createTokenVerifier,
  localKeySet,
  remoteKeySet,
  RevocationList,
  type AccessTokenSigner,
} from './index';

const pem = () =>
  generateKeyPairSync('rsa', { modulusLength: 2048 })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString();
const issuer = 'https://auth.test';
const audience = 'rostrum';
const subject = () => ({ userId: randomUUID(), sessionId: randomUUID(), username: 'ada', roles: ['user'] });

const ourKey = pem();
const otherKey = pem();
let signer: AccessTokenSigner;

beforeAll(async () => {
  signer = await createAccessTokenSigner({ privateKeyPem: ourKey, issuer, audience, ttlSeconds: 900 });
});

const keySet = (): JSONWebKeySet => ({ keys: [signer.publicJwk] });
const verifier = (now?: () => number) =>
  createTokenVerifier({ issuer, audience, keys: localKeySet(keySet()), ...(now && { now }) });

async function refusalOf(verify: () => unknown): Promise<{ code: string; status: number; message: string }> {
  try {
    await verify();
  } catch (error) {
    if (isAppError(error)) return { code: error.code, status: error.status, message: error.message };
    throw error;
  }
  throw new Error('The token was taken');
}

const unauthorized = { code: 'UNAUTHORIZED', status: 401, message: 'A valid access token is required' };
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

it('gives the claims of a good token, the second time without waiting', async () => {
  const tokens = verifier();
  const who = subject();
  const token = await signer.sign(who);
  const first = tokens.verify(token);
  expect(first).toBeInstanceOf(Promise);
  expect(await first).toMatchObject(who);
  expect(tokens.verify(token)).toMatchObject(who);
});

it('takes a remembered token only as it is, whichever character was changed', async () => {
  const tokens = verifier();
  const token = await signer.sign(subject());
  await tokens.verify(token);
  // The last one has bits that base64 leaves unused.
  for (let at = 0; at < token.length - 1; at += 1) {
    const changed = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
    expect(await refusalOf(() => tokens.verify(changed))).toEqual(unauthorized);
  }
});

it('never remembers a token past its end', async () => {
  let now = Date.now();
  const tokens = verifier(() => now);
  const token = await signer.sign(subject());
  await tokens.verify(token);
  now += 901_000;
  expect(await refusalOf(() => tokens.verify(token))).toEqual(unauthorized);
});

it.each(['session', 'subject', 'key'] as const)(
  'refuses a token whose %s is revoked, remembered or new',
  async (kind) => {
    const revocations = new RevocationList();
    const tokens = createTokenVerifier({ issuer, audience, keys: localKeySet(keySet()), revocations });
    const who = subject();
    const id = { session: who.sessionId, subject: who.userId, key: signer.publicJwk.kid }[kind];
    const [known, fresh] = [await signer.sign(who), await signer.sign({ ...who, roles: ['admin'] })];
    await tokens.verify(known);
    revocations.add([{ kind: 'session', id: randomUUID(), at: Date.now(), until: Date.now() + 900_000 }]);
    expect(tokens.verify(known)).toMatchObject(who);
    revocations.add([{ kind, id, at: Date.now() + 1000, until: Date.now() + 900_000 }]);
    expect(await refusalOf(() => tokens.verify(known))).toEqual(unauthorized);
    expect(await refusalOf(() => tokens.verify(known))).toEqual(unauthorized);
    expect(await refusalOf(() => tokens.verify(fresh))).toEqual(unauthorized);
  },
);

it('a new token for a user whose tokens were revoked is good at once', async () => {
  const revocations = new RevocationList();
  const firstGoodSecond = (userId: string) => revocations.firstGoodSecond(userId);
  const options = { issuer, audience, ttlSeconds: 900 };
  const issuing = await createAccessTokenSigner({ ...options, privateKeyPem: ourKey, firstGoodSecond });
  const tokens = createTokenVerifier({ issuer, audience, keys: localKeySet(keySet()), revocations });
  const who = subject();
  const before = await issuing.sign(who);
  revocations.add([{ kind: 'subject', id: who.userId, at: Date.now(), until: Date.now() + 900_000 }]);
  expect(await tokens.verify(await issuing.sign(who))).toMatchObject(who);
  expect(await refusalOf(() => tokens.verify(before))).toEqual(unauthorized);
});

describe('a forged or foreign token is refused, always with the same words', () => {
  const payload = () => ({
    sub: randomUUID(),
    sid: randomUUID(),
    preferred_username: 'eve',
    roles: ['admin'],
    iss: issuer,
    aud: audience,
    exp: Math.floor(Date.now() / 1000) + 900,
  });
  const header = () => ({ alg: 'RS256', typ: 'at+jwt', kid: signer.publicJwk.kid });
  const unsigned = (head: object, body: object = payload()) => `${encode(head)}.${encode(body)}`;
  const signedBy = async (
    key: string,
    options: Partial<Parameters<typeof createAccessTokenSigner>[0]> = {},
  ) =>
    (
      await createAccessTokenSigner({ privateKeyPem: key, issuer, audience, ttlSeconds: 900, ...options })
    ).sign(subject());

  const forgeries: [string, () => string | Promise<string>][] = [
    ['empty', () => ''],
    ['not a token', () => 'a.b.c'],
    ['with alg none', () => `${unsigned({ ...header(), alg: 'none' })}.`],
    [
      'with the public key as an HMAC secret',
      () => {
        const text = unsigned({ ...header(), alg: 'HS256' });
        return `${text}.${createHmac('sha256', JSON.stringify(signer.publicJwk)).update(text).digest('base64url')}`;
      },
    ],
    [
      'of another key under our key id',
      async () => {
        const [, body, signature] = (await signedBy(otherKey)).split('.');
        return `${encode(header())}.${body}.${signature}`;
      },
    ],
    ['of an unknown key', () => signedBy(otherKey)],
    ['of another issuer', () => signedBy(ourKey, { issuer: 'https://evil.test' })],
    ['for another audience', () => signedBy(ourKey, { audience: 'other' })],
    ['that has expired', () => signedBy(ourKey, { ttlSeconds: -60 })],
    ['that is truncated', async () => (await signer.sign(subject())).slice(0, -4)],
    [
      'whose payload was changed',
      async () => {
        const [head, , signature] = (await signer.sign(subject())).split('.');
        return `${head}.${encode(payload())}.${signature}`;
      },
    ],
    ['that is megabytes long', () => 'a'.repeat(5_000_000)],
    [
      'that brings its own key',
      () => `${unsigned({ ...header(), jku: 'http://127.0.0.1:1/keys', jwk: { kty: 'RSA' } })}.AAAA`,
    ],
  ];

  it.each(forgeries)('%s', async (_, forge) => {
    const tokens = verifier();
    const token = await forge();
    expect(await refusalOf(() => tokens.verify(token))).toEqual(unauthorized);
  });

  it.each(['JWT', 'id+jwt', undefined])('typed %s', async (typ) => {
    const { createPrivateKey } = await import('node:crypto');
    const token = await new SignJWT(payload())
      .setProtectedHeader({ alg: 'RS256', kid: String(signer.publicJwk.kid), ...(typ && { typ }) })
      .sign(createPrivateKey(ourKey));
    expect(await refusalOf(() => verifier().verify(token))).toEqual(unauthorized);
  });
});

describe('with keys published by the auth service', () => {
  let server: Server;
  let asked = 0;
  let answer: 'keys' | 'error' = 'keys';
  let url: string;

  beforeEach(async () => {
    asked = 0;
    answer = 'keys';
    server = createServer((_, response) => {
      asked += 1;
      response.statusCode = answer === 'keys' ? 200 : 500;
      response
        .setHeader('content-type', 'application/json')
        .end(answer === 'keys' ? JSON.stringify(keySet()) : '{}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/.well-known/jwks.json`;
  });

  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const remote = () => createTokenVerifier({ issuer, audience, keys: remoteKeySet(url) });

  it('forged key ids do not make it ask again and again', async () => {
    const tokens = remote();
    await tokens.verify(await signer.sign(subject()));
    for (let forged = 0; forged < 200; forged += 1) {
      const token = `${encode({ alg: 'RS256', typ: 'at+jwt', kid: `k${forged}` })}.${encode({})}.AAAA`;
      expect(await refusalOf(() => tokens.verify(token))).toEqual(unauthorized);
    }
    expect(asked).toBeLessThanOrEqual(2);
  });

  it('keys that cannot be had are a 503, not the token’s fault', async () => {
    answer = 'error';
    const token = await signer.sign(subject());
    expect(await refusalOf(() => remote().verify(token))).toMatchObject({
      code: 'KEY_SET_UNAVAILABLE',
      status: 503,
    });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect(await refusalOf(() => remote().verify(token))).toMatchObject({ status: 503 });
  });
});
