import { waitFor } from '@rostrum/testing';
import { problemOf, startAuth, type AuthApp, type Details } from './auth-app';

let app: AuthApp;
let ada: Details & { id: string };

beforeAll(async () => {
  app = await startAuth({ PASSWORD_HASH_CONCURRENCY: '1', PASSWORD_HASH_QUEUE: '2' });
  ada = await app.register();
});
afterAll(() => app.stop());

it('more passwords than can be hashed are refused at once, and all else goes on', async () => {
  const token = await app.signIn(ada);
  const login = () =>
    app.ask('/api/v1/auth/login', {
      method: 'POST',
      body: { identifier: ada.username, password: 'wrong horse' },
    });
  const storm = Array.from({ length: 40 }, login);
  const others = await Promise.all(
    Array.from({ length: 10 }, () => [app.ask('/healthz'), app.ask('/api/v1/auth/me', { token })]).flat(),
  );
  expect(others.map(({ status }) => status)).toEqual(Array(20).fill(200));

  const responses = await Promise.all(storm);
  const hashed = responses.filter(({ status }) => status === 401);
  const refused = responses.filter(({ status }) => status === 503);
  expect(hashed.length).toBeGreaterThanOrEqual(3);
  expect(refused.length).toBeGreaterThanOrEqual(10);
  expect(hashed.length + refused.length).toBe(40);
  for (const response of refused) {
    expect(response.headers.get('retry-after')).toBe('1');
    expect((await problemOf(response)).code).toBe('PASSWORD_HASHING_UNAVAILABLE');
  }

  expect(await app.signIn(ada)).toBeTruthy();
  expect(await app.metrics()).toMatch(/^password_hashes\{.*state="waiting".*\} 0$/m);
});

it('whoever hangs up leaves the queue, and is no error of ours', async () => {
  const impatient = await startAuth({ PASSWORD_HASH_CONCURRENCY: '1' });
  const waiting = async () =>
    Number(/^password_hashes\{.*state="waiting".*\} (\d+)$/m.exec(await impatient.metrics())?.[1]);
  const client = new AbortController();
  const storm = Array.from({ length: 30 }, () =>
    impatient
      .ask('/api/v1/auth/login', {
        method: 'POST',
        body: { identifier: 'nobody', password: 'wrong horse' },
        signal: client.signal,
      })
      .then(
        ({ status }) => status,
        () => 'gone',
      ),
  );
  await waitFor(async () => (await waiting()) > 10, { what: 'a queue' });
  client.abort();
  expect(await Promise.all(storm)).toContain('gone');
  await waitFor(async () => (await waiting()) === 0, { what: 'an empty queue' });
  const refusals = Number(
    /^sign_ins_total\{.*outcome="refused".*\} (\d+)$/m.exec(await impatient.metrics())?.[1],
  );
  expect(refusals).toBeLessThan(20);
  expect(await impatient.metrics()).not.toContain('INTERNAL_ERROR');
  expect(await impatient.stop()).not.toMatch(/"level":"(error|fatal)"/);
});
