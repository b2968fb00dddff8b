import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isAppError } from '@rostrum/errors';
import {
  createSigningKey,
  createTokenSigner,
  createTokenVerifier,
  remoteKeySet,
  RevocationList,
  type SigningKey,
} from './index';

const issuer = 'https://auth.test';
const audience = 'rostrum';
const newKey = () =>
  createSigningKey(
    generateKeyPairSync('rsa', { modulusLength: 2048 })
      .privateKey.export({ type: 'pkcs8', format: 'pem' })
      .toString(),
  );
const subject = () => ({ userId: randomUUID(), sessionId: randomUUID(), username: 'ada', roles: ['user'] });
const sign = (key: SigningKey) =>
  createTokenSigner({ key: () => key, issuer, audience, ttlSeconds: 900 }).sign(subject());
const forged = (kid: string) =>
  `${Buffer.from(JSON.stringify({ alg: 'RS256', typ: 'at+jwt', kid })).toString('base64url')}.e30.AAAA`;

let first: SigningKey;
let second: SigningKey;

beforeAll(async () => {
  [first, second] = await Promise.all([newKey(), newKey()]);
});

/** A service that publishes keys, and can be made to fail. */
class Publisher {
  published: SigningKey[] = [];
  maxAge = 300;
  requests = 0;
  status = 200;
  private readonly server = createServer((_, response) => {
    this.requests += 1;
    response.writeHead(this.status, { 'cache-control': `public, max-age=${this.maxAge}` });
    response.end(JSON.stringify({ keys: this.published.map(({ publicJwk }) => publicJwk) }));
  });

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/.well-known/jwks.json`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

let publisher: Publisher;
let clock: { now: number };

beforeEach(() => {
  publisher = new Publisher();
  publisher.published = [first];
  clock = { now: 1_000_000 };
});
afterEach(() => publisher.stop());

async function open(revocations = new RevocationList()) {
  const keys = remoteKeySet(await publisher.start(), { cooldownMs: 10_000, now: () => clock.now });
  const verifier = createTokenVerifier({ issuer, audience, keys, revocations });
  const outcome = async (token: string) => {
    try {
      await verifier.verify(token);
      return 'taken';
    } catch (error) {
      return isAppError(error) ? error.code : String(error);
    }
  };
  return { keys, outcome };
}

it('10,000 forged ids: one more request per cooldown at most, and the good tokens go on', async () => {
  const { outcome } = await open();
  expect(await outcome(await sign(first))).toBe('taken');
  for (let round = 1; round <= 4; round += 1) {
    clock.now += 10_000;
    for (let batch = 0; batch < 25; batch += 1) {
      const ids = Array.from({ length: 100 }, (_, n) => `k${round}-${batch}-${n}`);
      const outcomes = await Promise.all(ids.map((id) => outcome(forged(id))));
      expect(new Set(outcomes)).toEqual(new Set(['UNAUTHORIZED']));
      expect(await outcome(await sign(first))).toBe('taken');
    }
    expect(publisher.requests).toBeLessThanOrEqual(1 + round);
  }
});

it('an id that was asked for in vain does not make it ask again', async () => {
  const { outcome } = await open();
  await outcome(await sign(first));
  clock.now += 10_000;
  await outcome(forged('again'));
  const { requests } = publisher;
  clock.now += 10_000;
  await outcome(forged('again'));
  expect(publisher.requests).toBe(requests);
});

it('a new key: one request, however many of its tokens come at once', async () => {
  const { outcome } = await open();
  await outcome(await sign(first));
  publisher.published = [first, second];
  clock.now += 10_000;
  const tokens = await Promise.all(Array.from({ length: 20 }, () => sign(second)));
  const outcomes = await Promise.all(tokens.map((token) => outcome(token)));
  expect(new Set(outcomes)).toEqual(new Set(['taken']));
  expect(publisher.requests).toBe(2);
});

it('asks again when what it knows is no longer fresh, so that a key published in time is known before it signs', async () => {
  const { outcome } = await open();
  await outcome(await sign(first));
  publisher.published = [first, second];
  clock.now += 300_000;
  expect(await outcome(await sign(first))).toBe('taken');
  expect(await outcome(await sign(second))).toBe('taken');
  expect(publisher.requests).toBe(2);
});

it('forged ids do not keep it from asking again for what is no longer fresh', async () => {
  publisher.maxAge = 2;
  const { outcome } = await open();
  await outcome(await sign(first));
  await outcome(forged('x'));
  publisher.published = [first, second];
  clock.now += 2_000;
  await outcome(await sign(first));
  await outcome(forged('y'));
  expect(await outcome(await sign(second))).toBe('taken');
});

it('a key that is no longer published is no longer taken', async () => {
  const { outcome, keys } = await open();
  await outcome(await sign(first));
  publisher.published = [second];
  await keys.reload();
  expect(await outcome(await sign(first))).toBe('UNAUTHORIZED');
});

it('told that the keys have changed, it asks in spite of the cooldown', async () => {
  const { outcome, keys } = await open();
  await outcome(await sign(first));
  await outcome(forged('x'));
  publisher.published = [first, second];
  expect(await outcome(await sign(second))).toBe('UNAUTHORIZED');
  await keys.reload();
  expect(await outcome(await sign(second))).toBe('taken');
});

it('a revoked key is refused at once, also in tokens that were verified before', async () => {
  const revocations = new RevocationList();
  const { outcome } = await open(revocations);
  const known = await sign(first);
  expect(await outcome(known)).toBe('taken');
  revocations.add([{ kind: 'key', id: first.publicJwk.kid, at: Date.now(), until: Date.now() + 900_000 }]);
  expect([await outcome(known), await outcome(await sign(first))]).toEqual(['UNAUTHORIZED', 'UNAUTHORIZED']);
});

it('without the publisher the known keys stay good, and what cannot be known is a 503', async () => {
  const { outcome } = await open();
  await outcome(await sign(first));
  publisher.status = 500;
  clock.now += 86_400_000;
  expect(await outcome(await sign(first))).toBe('taken');
  clock.now += 10_000;
  expect(await outcome(await sign(second))).toBe('KEY_SET_UNAVAILABLE');
  publisher.status = 200;
  publisher.published = [second];
  clock.now += 10_000;
  expect(await outcome(await sign(second))).toBe('taken');
});

it('takes only RSA keys that are meant to sign these tokens', async () => {
  const { outcome } = await open();
  const { kid } = second.publicJwk;
  publisher.published = [
    { ...second, publicJwk: { ...second.publicJwk, use: 'enc' } },
    { ...second, publicJwk: { kty: 'oct', kid, alg: 'HS256', k: 'AAAA' } },
  ];
  expect(await outcome(await sign(second))).toBe('UNAUTHORIZED');
});
