import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { startSystem, type System } from './system';

const operator = generateKeyPairSync('ed25519');
let system: System;

beforeAll(async () => {
  system = await startSystem({
    instances: { auth: 2 },
    environment: {
      RATE_LIMIT_API_REQUESTS: '100',
      RATE_LIMIT_AUTH_REQUESTS: '5',
      // However long a busy machine takes over all that is asked here, it is within one window.
      RATE_LIMIT_API_WINDOW_SECONDS: '3600',
      RATE_LIMIT_AUTH_WINDOW_SECONDS: '3600',
      RATE_LIMIT_IDENTITY_KEY: operator.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      // A machine that is busy with other tests must not look like a Redis that is gone.
      RATE_LIMIT_REDIS_TIMEOUT_MS: '5000',
    },
  });
}, 90_000);

afterAll(() => system?.stop(), 60_000);

/** A virtual user of a load test. */
async function identity(name: string): Promise<Record<string, string>> {
  const token = await new SignJWT({ use: 'load' })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'caller-identity+jwt' })
    .setSubject(name)
    .setAudience('rostrum-limits')
    .setIssuedAt()
    .setExpirationTime('10m')
    .sign(operator.privateKey);
  return { 'x-caller-identity': token };
}

function post(path: string, headers: Record<string, string>, body: object) {
  return system.ask(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

/** Each guess is about another account: guesses about one are slowed down besides. */
async function guess(headers: Record<string, string>): Promise<string> {
  const identifier = `p${randomUUID().replaceAll('-', '').slice(0, 16)}`;
  const answer = await post('/api/v1/auth/login', headers, { identifier, password: 'wrong horse' });
  return ((await answer.json()) as { code: string }).code;
}

const limited = 'TOO_MANY_REQUESTS';
const guessed = 'INVALID_CREDENTIALS';

/** Signs up and in as a virtual user; gives the header that shows it. */
async function signIn(headers: Record<string, string>): Promise<{ authorization: string }> {
  const password = `${randomUUID()} horse`;
  const email = `${randomUUID()}@example.com`;
  const username = `p${randomUUID().replaceAll('-', '').slice(0, 16)}`;
  const registered = await post('/api/v1/auth/register', headers, { email, username, password });
  expect(registered.status).toBe(201);
  const answer = await post('/api/v1/auth/login', headers, { identifier: username, password });
  const { accessToken } = (await answer.json()) as { accessToken: string };
  return { authorization: `Bearer ${accessToken}` };
}

async function countsOf(count: number, one: (index: number) => Promise<string>) {
  const counts: Record<string, number> = {};
  for (let start = 0; start < count; start += 20) {
    const some = Array.from({ length: Math.min(20, count - start) }, (_, offset) => one(start + offset));
    for (const outcome of await Promise.all(some)) counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return counts;
}

it('a thousand addresses that a client makes up are one client, for all instances together', async () => {
  const forged = (index: number) => ({ 'x-forwarded-for': `203.0.113.${index % 250}, 10.${index % 99}.0.1` });
  expect(await countsOf(1000, (index) => guess(forged(index)))).toEqual({ [guessed]: 5, [limited]: 995 });
});

it('a virtual user of a load test has limits of its own, and keeps within them', async () => {
  const [first, second] = [await identity('vu-1'), await identity('vu-2')];
  expect(await countsOf(7, () => guess(first))).toEqual({ [guessed]: 5, [limited]: 2 });
  expect(await countsOf(7, () => guess(second))).toEqual({ [guessed]: 5, [limited]: 2 });
});

it('what a user asks of different services counts together', async () => {
  const headers = await signIn(await identity('ada'));
  const paths = ['/api/v1/auth/me', '/api/v1/feed', '/api/v1/realtime/notifications'];
  const counts = await countsOf(120, async (index) => {
    const answer = await system.ask(paths[index % 3] as string, { headers });
    await answer.body?.cancel();
    return String(answer.status);
  });
  expect(counts).toEqual({ 200: 100, 429: 20 });
});
