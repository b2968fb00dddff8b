import { waitFor } from '@rostrum/testing';
import { AuthApp } from './auth-app';

let app: AuthApp;
afterEach(() => app.stop());

/** Hashing is what has to hold them up here, not the count of failures. */
const many = { LOGIN_FREE_FAILURES: '1000' };
const waiting = 'password_hashes{state="waiting"}';

it('more passwords than can be hashed are refused at once, and all else goes on', async () => {
  app = await AuthApp.start({
    settings: { ...many, PASSWORD_HASH_CONCURRENCY: '1', PASSWORD_HASH_QUEUE: '2' },
  });
  const ada = await app.person();
  const token = await app.tokenOf(ada);
  const storm = Array.from({ length: 40 }, () => app.login(ada.username, 'wrong horse'));
  const others = await Promise.all(
    Array.from({ length: 10 }, () => [app.get('/healthz'), app.get('/api/v1/auth/me', { token })]).flat(),
  );
  expect(others.map(({ status }) => status)).toEqual(Array<number>(20).fill(200));

  const answers = await Promise.all(storm);
  const hashed = answers.filter(({ status }) => status === 401);
  const refused = answers.filter(({ status }) => status === 503);
  expect(hashed.length).toBeGreaterThanOrEqual(3);
  expect(refused.length).toBeGreaterThanOrEqual(10);
  expect(hashed.length + refused.length).toBe(40);
  for (const { headers, json } of refused) {
    expect(headers.get('retry-after')).toBe('1');
    expect(json.code).toBe('PASSWORD_HASHING_UNAVAILABLE');
  }

  expect(await app.tokenOf(ada)).toBeTruthy();
  expect(await app.metric(waiting)).toBe(0);
});

it('whoever hangs up leaves the queue, and is no error of ours', async () => {
  app = await AuthApp.start({ settings: { ...many, PASSWORD_HASH_CONCURRENCY: '1' } });
  const client = new AbortController();
  const storm = Array.from({ length: 30 }, () =>
    app.login('nobody', 'wrong horse', { signal: client.signal }).then(
      () => 'answered',
      () => 'gone',
    ),
  );
  await waitFor(async () => (await app.metric(waiting)) > 10, { what: 'a queue' });
  client.abort();
  expect(await Promise.all(storm)).toContain('gone');
  await waitFor(async () => (await app.metric(waiting)) === 0, { what: 'an empty queue' });
  expect(await app.refusedSignIns()).toBeLessThan(20);
  expect(await app.metric('errors_total{type="INTERNAL_ERROR"}')).toBeNaN();
  expect(app.log.lines().filter(({ level }) => level === 'error')).toEqual([]);
});
