import { decodeJwt } from 'jose';
import { AuthApp, type Person } from './auth-app';

const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const iphone =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1';

let app: AuthApp;
let ada: Person;

beforeAll(async () => {
  app = await AuthApp.start({ settings: { TRUSTED_PROXIES: '127.0.0.1' } });
});
beforeEach(async () => {
  ada = await app.person();
});
afterAll(() => app.stop());

const from = (userAgent: string, address: string) => ({
  headers: { 'user-agent': userAgent, 'x-forwarded-for': address },
});
const idOf = (accessToken: string) => String(decodeJwt(accessToken).sid);
const list = async (token: string) => (await app.get('/api/v1/auth/sessions', { token })).json.items;
const isGood = async (token: string) => (await app.get('/api/v1/auth/me', { token })).status === 200;
const isOver = async (refreshToken: string) => (await app.refresh(refreshToken)).status === 401;

it('people see where they are signed in, the newest first', async () => {
  const laptop = await app.signIn(ada, from(firefox, '192.0.2.7'));
  const phone = await app.signIn(ada, from(iphone, '2001:db8::7'));
  const [first, second, ...others] = await list(phone.accessToken);
  expect(others).toEqual([]);
  expect(first).toEqual({
    id: idOf(phone.accessToken),
    current: true,
    createdAt: expect.any(String),
    usedAt: expect.any(String),
    expiresAt: expect.any(String),
    mode: 'bearer',
    client: 'Safari on iPhone',
    address: '2001:db8::7',
  });
  expect(second).toMatchObject({ id: idOf(laptop.accessToken), current: false, client: 'Firefox on Linux' });
});

it('where they were is kept sealed', async () => {
  await app.signIn(ada, from(firefox, '198.51.100.77'));
  const rows = await app.rows('select * from auth.sessions where user_id = $1', [ada.id]);
  expect(JSON.stringify(rows)).not.toContain('198.51');
  const events = await app.rows('select body from auth.audit_events where subject_id = $1', [ada.id]);
  expect(events.length).toBeGreaterThan(0);
  expect(JSON.stringify(events)).not.toContain('198.51');
});

it('signing out ends this session and no other', async () => {
  const [here, there] = [await app.signIn(ada), await app.signIn(ada)];
  expect((await app.post('/api/v1/auth/logout', undefined, { token: here.accessToken })).status).toBe(204);
  expect(await isGood(here.accessToken)).toBe(false);
  expect(await isOver(here.refreshToken)).toBe(true);
  expect(await isGood(there.accessToken)).toBe(true);
  expect((await list(there.accessToken)).map(({ id }: { id: string }) => id)).toEqual([
    idOf(there.accessToken),
  ]);
  expect((await app.post('/api/v1/auth/logout', undefined, { token: here.accessToken })).status).toBe(401);
});

it('one session can be ended from another', async () => {
  const [here, there] = [await app.signIn(ada), await app.signIn(ada)];
  const end = () =>
    app.delete(`/api/v1/auth/sessions/${idOf(there.accessToken)}`, { token: here.accessToken });
  expect((await end()).status).toBe(204);
  expect([await isGood(there.accessToken), await isOver(there.refreshToken)]).toEqual([false, true]);
  expect(await isGood(here.accessToken)).toBe(true);
  expect([(await end()).status, (await end()).json.code]).toEqual([404, 'NOT_FOUND']);
});

it('nobody can end the session of somebody else, or learn that there is one', async () => {
  const eve = await app.signIn(await app.person());
  const mine = await app.signIn(ada);
  const answer = await app.delete(`/api/v1/auth/sessions/${idOf(mine.accessToken)}`, {
    token: eve.accessToken,
  });
  expect([answer.status, answer.json.code]).toEqual([404, 'NOT_FOUND']);
  expect(await isGood(mine.accessToken)).toBe(true);
  const odd = await app.delete('/api/v1/auth/sessions/1', { token: eve.accessToken });
  expect([odd.status, odd.json.code]).toEqual([400, 'VALIDATION_FAILED']);
});

it('all others can be ended at once, or all', async () => {
  const [here, ...others] = [await app.signIn(ada), await app.signIn(ada), await app.signIn(ada)];
  const end = (query: string) => app.delete(`/api/v1/auth/sessions${query}`, { token: here.accessToken });
  expect((await end('?except=mine')).status).toBe(400);
  expect((await end('?except=current')).json).toEqual({ ended: 2 });
  expect(await Promise.all(others.map(({ accessToken }) => isGood(accessToken)))).toEqual([false, false]);
  expect(await isGood(here.accessToken)).toBe(true);
  expect((await end('?except=current')).json).toEqual({ ended: 0 });
  expect((await end('')).json).toEqual({ ended: 1 });
  expect(await isGood(here.accessToken)).toBe(false);
});

it('each ending is written down with who, why and how many, and counted', async () => {
  const before = await app.metric('sessions_ended_total{reason="ended by its owner"}');
  const here = await app.signIn(ada);
  await app.signIn(ada);
  await app.signIn(ada);
  const answer = await app.delete('/api/v1/auth/sessions?except=current', { token: here.accessToken });
  const [row] = await app.rows<{ body: string }>(
    `select body from auth.audit_events where subject_id = $1 and action = 'session.ended'`,
    [ada.id],
  );
  expect(JSON.parse(String(row?.body))).toMatchObject({
    actor: { kind: 'user', id: ada.id },
    result: 'succeeded',
    details: { reason: 'ended by its owner', count: 2 },
    requestId: answer.headers.get('x-request-id'),
  });
  const after = await app.metric('sessions_ended_total{reason="ended by its owner"}');
  expect(after - (Number.isNaN(before) ? 0 : before)).toBe(2);
});

it('whoever has more sessions than anybody can have begun by hand loses the oldest', async () => {
  const { accessToken: oldest } = await app.signIn(ada);
  await app.rows(
    `insert into auth.sessions (id, user_id, created_at, expires_at)
     select gen_random_uuid(), $1, now() + n * interval '1 second', now() + interval '1 day'
       from generate_series(1, 100) as n`,
    [ada.id],
  );
  await app.startWorker();
  const open = () =>
    app.rows(`select id from auth.sessions where user_id = $1 and ended_at is null`, [ada.id]);
  await app.until(async () => (await open()).length === 100, 'the oldest to be ended');
  expect((await open()).map(({ id }) => id)).not.toContain(idOf(oldest));
});
