import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createTestRedis, type TestRedis } from '@rostrum/testing';
import { SignJWT } from 'jose';
import {
  many,
  newUser,
  patient,
  startLimitedService,
  statuses,
  type LimitedService,
} from './limited-service';

const cleanUp: (() => Promise<unknown> | unknown)[] = [];
let redis: TestRedis;

beforeEach(async () => {
  redis = await createTestRedis();
  cleanUp.push(() => redis.close());
});

afterEach(async () => {
  for (const action of cleanUp.splice(0).reverse()) await action();
});

async function start(environment: Record<string, string> = {}): Promise<LimitedService> {
  const service = await startLimitedService(redis.url, { ...patient, ...environment });
  cleanUp.push(() => service.stop());
  return service;
}

const pair = () => generateKeyPairSync('ed25519');
const pemOf = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString();
const operator = pair();
const accepting = { RATE_LIMIT_IDENTITY_KEY: pemOf(operator.publicKey) };

interface Making {
  key?: KeyObject;
  claims?: Record<string, unknown>;
  header?: Record<string, unknown>;
}

/** As the operator's command makes them, but for what a test changes. */
async function identity(name: string, { key = operator.privateKey, claims, header }: Making = {}) {
  const now = Math.floor(Date.now() / 1000);
  const all = { sub: name, use: 'load', aud: 'rostrum-limits', iat: now, exp: now + 600, ...claims };
  const token = await new SignJWT(all)
    .setProtectedHeader({ alg: 'EdDSA', typ: 'caller-identity+jwt', ...header })
    .sign(key);
  return { 'x-caller-identity': token };
}

describe('the identity of a load test', () => {
  it('has a bucket of its own for credentials, beside the one of its address, within the same limit', async () => {
    const service = await start(accepting);
    const [first, second] = [await identity('vu-1'), await identity('vu-2')];
    expect(statuses(await many(7, () => service.signIn()))).toEqual({ 200: 5, 429: 2 });
    expect(statuses(await many(7, () => service.signIn(first)))).toEqual({ 200: 5, 429: 2 });
    expect(statuses(await many(7, () => service.signIn(second)))).toEqual({ 200: 5, 429: 2 });
    expect(await service.rejections('auth', 'limit')).toBe(6);
  });

  it('has one for the API, whoever it signs in as, with the quota that the operator has signed', async () => {
    const service = await start({ ...accepting, RATE_LIMIT_API_REQUESTS: '10' });
    const users = [await newUser(), await newUser()];
    const headers = await identity('vu-1', { claims: { limits: { api: 30 } } });
    const answers = await many(40, (index) => service.asUser(users[index % 2] as string, undefined, headers));
    expect(statuses(answers)).toEqual({ 200: 30, 429: 10 });
    expect(answers[0]?.headers['x-ratelimit-limit']).toBe('30');
    expect((await service.asUser(users[0] as string)).headers['x-ratelimit-limit']).toBe('10');
    expect(statuses(await many(7, () => service.signIn(headers)))).toEqual({ 200: 5, 429: 2 });
  });

  const now = Math.floor(Date.now() / 1000);
  it.each<[string, (() => Promise<Record<string, string>>) | Making]>([
    ['that somebody else has signed', { key: pair().privateKey }],
    ['that has expired', { claims: { iat: now - 7200, exp: now - 3600 } }],
    ['that was made to last for ever', { claims: { iat: now - 90_000, exp: now + 1_000_000 } }],
    ['that is to be signed for one thing and used for another', { header: { typ: 'JWT' } }],
    ['for another audience', { claims: { aud: 'rostrum' } }],
    ['for no use that is known', { claims: { use: 'anything' } }],
    ['with a name that is none', { claims: { sub: 'a b\nc' } }],
    ['with limits that are none', { claims: { limits: { api: -1 } } }],
    ['that is no token', () => Promise.resolve({ 'x-caller-identity': 'me' })],
    ['that is not signed', () => Promise.resolve({ 'x-caller-identity': unsigned('vu-1') })],
  ])('%s counts as none', async (_, making) => {
    const service = await start(accepting);
    const headers = typeof making === 'function' ? await making() : await identity('vu-1', making);
    expect(statuses(await many(7, () => service.signIn()))).toEqual({ 200: 5, 429: 2 });
    expect((await service.signIn(headers)).status).toBe(429);
  });

  it('counts as none where no key was given', async () => {
    const service = await start();
    await many(5, () => service.signIn());
    expect((await service.signIn(await identity('vu-1'))).status).toBe(429);
  });

  it('is only ever accepted by a public key', async () => {
    const pem = operator.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const complaint = await start({ RATE_LIMIT_IDENTITY_KEY: pem }).catch(String);
    expect(complaint).toMatch(/RATE_LIMIT_IDENTITY_KEY.*public/);
    expect(complaint).not.toContain('PRIVATE KEY');
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    await expect(start({ RATE_LIMIT_IDENTITY_KEY: pemOf(rsa.publicKey) })).rejects.toThrow(/Ed25519/);
  });
});

function unsigned(sub: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const claims = { sub, use: 'load', aud: 'rostrum-limits', iat: now, exp: now + 600 };
  return `${part({ alg: 'none', typ: 'caller-identity+jwt' })}.${part(claims)}.`;
}

describe('an internal process', () => {
  it('has no limits with an identity of that use', async () => {
    const service = await start(accepting);
    const headers = await identity('billing', { claims: { use: 'internal' } });
    const answers = await many(20, () => service.signIn(headers));
    expect(statuses(answers)).toEqual({ 200: 20 });
    expect(answers[0]?.headers).not.toHaveProperty('ratelimit');
    expect(statuses(await many(7, () => service.signIn()))).toEqual({ 200: 5, 429: 2 });
  });

  it('has none in an internal network', async () => {
    const service = await start({ RATE_LIMIT_INTERNAL_NETWORKS: '10.0.0.0/8, 127.0.0.0/8' });
    expect(statuses(await many(20, () => service.signIn()))).toEqual({ 200: 20 });
  });

  it.each([
    ['the proxy is known', { TRUSTED_PROXIES: '127.0.0.1' }],
    ['the proxy is not', {}],
  ])('is nobody who comes through a proxy in that network, though %s', async (_, environment) => {
    const service = await start({ ...environment, RATE_LIMIT_INTERNAL_NETWORKS: '127.0.0.0/8' });
    const outside = { 'x-forwarded-for': '198.51.100.7' };
    const within = { 'x-forwarded-for': '127.0.0.1, 198.51.100.8' };
    expect(statuses(await many(7, () => service.signIn(outside)))[429]).toBe(2);
    expect(statuses(await many(7, () => service.signIn(within)))[429]).toBeGreaterThanOrEqual(2);
  });

  it('cannot be made of everybody', async () => {
    await expect(start({ RATE_LIMIT_INTERNAL_NETWORKS: '0.0.0.0/0' })).rejects.toThrow(
      /RATE_LIMIT_INTERNAL_NETWORKS/,
    );
  });
});
