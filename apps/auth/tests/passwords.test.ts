import { decodeJwt } from 'jose';
import { AuthApp, newDetails, tellingHeaders, type Person } from './auth-app';

let app: AuthApp;
let ada: Person;

beforeAll(async () => {
  // Whoever is slowed down still is when a busy machine comes to ask.
  app = await AuthApp.start({
    settings: { LOGIN_FIRST_DELAY_MS: '600000', LOGIN_LONGEST_DELAY_MS: '600000' },
  });
  await app.startWorker();
});
beforeEach(async () => {
  ada = await app.verifiedPerson();
});
afterAll(() => app.stop());

const isGood = async (token: string) => (await app.get('/api/v1/auth/me', { token })).status === 200;
const mayEnter = async (password: string, person = ada) =>
  (await app.login(person.username, password)).status === 200;
const change = (token: string, body: object) => app.post('/api/v1/auth/password/change', body, { token });
const forgot = (email: unknown) => app.post('/api/v1/auth/password/forgot', { email });
const reset = (token: unknown, password: unknown) =>
  app.post('/api/v1/auth/password/reset', { token, password });
const mailedToken = async (person = ada) =>
  (await app.mailbox.waitFor(person.email, /new password/)).token ?? '';

const actionsOf = async (userId: string) =>
  (
    await app.rows<{ action: string }>(
      'select action from auth.audit_events where subject_id = $1 order by occurred_at, seq',
      [userId],
    )
  ).map(({ action }) => action);

describe('changing one’s password', () => {
  it('ends all other sessions, is written down, and its owner is told', async () => {
    const [here, there] = [await app.signIn(ada), await app.signIn(ada)];
    const newPassword = 'another horse altogether';
    const answer = await change(here.accessToken, { currentPassword: ada.password, newPassword });
    expect(answer.status).toBe(204);
    expect([await isGood(here.accessToken), await isGood(there.accessToken)]).toEqual([true, false]);
    expect((await app.refresh(there.refreshToken)).status).toBe(401);
    expect((await app.refresh(here.refreshToken)).status).toBe(200);
    expect([await mayEnter(ada.password), await mayEnter(newPassword)]).toEqual([false, true]);
    expect(await actionsOf(ada.id)).toEqual(expect.arrayContaining(['password.changed', 'session.ended']));
    await app.mailbox.waitFor(ada.email, /password has been changed/);
    expect(await app.linesOf(answer)).toMatchObject([
      { message: 'Sessions ended', reason: 'password changed' },
      { message: 'Password changed', user_id: ada.id },
      { status: 204 },
    ]);
  });

  it.each<[string, (person: Person) => object, number, string]>([
    ['a wrong old one', () => ({ currentPassword: 'wrong horse' }), 403, 'PASSWORD_WRONG'],
    ['none of the old one', () => ({ currentPassword: undefined }), 400, 'VALIDATION_FAILED'],
    ['a common new one', () => ({ newPassword: 'Password1!' }), 422, 'PASSWORD_TOO_COMMON'],
    [
      'one that is their name',
      ({ username }) => ({ newPassword: `${username}!` }),
      422,
      'PASSWORD_TOO_PERSONAL',
    ],
    ['a short one', () => ({ newPassword: 'seven77' }), 400, 'VALIDATION_FAILED'],
    ['more than that', () => ({ userId: 'x' }), 400, 'VALIDATION_FAILED'],
  ])('with %s is refused and changes nothing', async (_, make, status, code) => {
    const { accessToken } = await app.signIn(ada);
    const good = { currentPassword: ada.password, newPassword: 'another horse altogether' };
    const answer = await change(accessToken, { ...good, ...make(ada) });
    expect([answer.status, answer.json.code]).toEqual([status, code]);
    expect(await mayEnter(ada.password)).toBe(true);
    expect(await isGood(accessToken)).toBe(true);
  });

  it('needs somebody to be signed in', async () => {
    const body = { currentPassword: ada.password, newPassword: 'another horse altogether' };
    expect((await app.post('/api/v1/auth/password/change', body)).status).toBe(401);
  });

  it('is no way to guess: whoever holds a session must wait like everybody', async () => {
    const { accessToken } = await app.signIn(ada);
    const guess = () => change(accessToken, { currentPassword: 'wrong horse', newPassword: 'another horse' });
    for (let i = 0; i < 5; i += 1) expect((await guess()).status).toBe(403);
    const { status, headers, json } = await guess();
    expect([status, json.code]).toEqual([429, 'TOO_MANY_ATTEMPTS']);
    expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(await mayEnter(ada.password)).toBe(true);
  });
});

describe('a forgotten password', () => {
  it('is answered the same whether or not there is such an account, in answer and in rows', async () => {
    const jobs = async () =>
      (await app.rows<{ n: number }>('select count(*)::int as n from auth.mail_jobs'))[0]?.n ?? 0;
    const shown = [];
    for (const email of [ada.email, newDetails().email, ada.email.toUpperCase()]) {
      const before = await jobs();
      const answer = await forgot(email);
      shown.push([answer.status, answer.text, tellingHeaders(answer), (await jobs()) - before]);
    }
    expect(shown[0]).toMatchObject([202, '', {}, 1]);
    expect(shown[1]).toEqual(shown[0]);
    expect(shown[2]).toEqual(shown[0]);
  });

  it('is reset with the token of a mail, which ends all sessions', async () => {
    const { accessToken, refreshToken } = await app.signIn(ada);
    await forgot(ada.email);
    const token = await mailedToken();
    const answer = await reset(token, 'another horse altogether');
    expect(answer.status).toBe(204);
    expect([await isGood(accessToken), (await app.refresh(refreshToken)).status]).toEqual([false, 401]);
    expect([await mayEnter(ada.password), await mayEnter('another horse altogether')]).toEqual([false, true]);
    expect(await actionsOf(ada.id)).toEqual(expect.arrayContaining(['password.reset', 'session.ended']));
    await app.mailbox.waitFor(ada.email, /password has been changed/);
    expect(await app.metric('passwords_changed_total{how="reset"}')).toBeGreaterThan(0);
  });

  it('shows that the address is theirs, by the way', async () => {
    const grace = await app.person();
    await forgot(grace.email);
    expect((await reset(await mailedToken(grace), 'another horse altogether')).status).toBe(204);
    const { accessToken } = await app.signIn({ ...grace, password: 'another horse altogether' });
    expect((await app.get('/api/v1/auth/me', { token: accessToken })).json.emailVerified).toBe(true);
  });

  it('the token is for one use, and goes with all others', async () => {
    await forgot(ada.email);
    const first = await mailedToken();
    await forgot(ada.email);
    await app.until(
      () => app.mailbox.to(ada.email).filter(({ subject }) => /new password/.test(subject)).length === 2,
      'two mails',
    );
    const second = await mailedToken();
    expect(second).not.toBe(first);
    expect((await reset(first, 'another horse altogether')).status).toBe(204);
    for (const token of [first, second]) {
      const { status, json } = await reset(token, 'a third horse altogether');
      expect([status, json.code]).toEqual([400, 'INVALID_TOKEN']);
    }
    expect(await mayEnter('another horse altogether')).toBe(true);
  });

  it('used twice at once, the token is used once', async () => {
    await forgot(ada.email);
    const token = await mailedToken();
    const answers = await Promise.all(
      ['one', 'two', 'three'].map((word) => reset(token, `${word} horse altogether`)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 400, 400]);
  });

  it('an unfit password leaves the token good', async () => {
    await forgot(ada.email);
    const token = await mailedToken();
    expect((await reset(token, 'password1')).json.code).toBe('PASSWORD_TOO_COMMON');
    expect((await reset(token, `${ada.username}7`)).json.code).toBe('PASSWORD_TOO_PERSONAL');
    expect((await reset(token, 'another horse altogether')).status).toBe(204);
  });

  it('after half an hour the token is none', async () => {
    await forgot(ada.email);
    const token = await mailedToken();
    const [row] = await app.rows<{ minutes: number }>(
      `select round(extract(epoch from expires_at - now()) / 60)::int as minutes from auth.one_time_tokens
        where user_id = $1 and purpose = 'reset-password'`,
      [ada.id],
    );
    expect(row).toEqual({ minutes: 30 });
    await app.rows(`update auth.one_time_tokens set expires_at = now() where user_id = $1`, [ada.id]);
    expect((await reset(token, 'another horse altogether')).json.code).toBe('INVALID_TOKEN');
  });

  it.each<[string, (token: string) => unknown, string]>([
    [
      'changed in one place',
      (token) => `${token.startsWith('A') ? 'B' : 'A'}${token.slice(1)}`,
      'INVALID_TOKEN',
    ],
    ['cut off', (token) => token.slice(0, -4), 'INVALID_TOKEN'],
    ['made up', () => 'hunter2', 'INVALID_TOKEN'],
    ['empty', () => '', 'VALIDATION_FAILED'],
    ['a number', () => 7, 'VALIDATION_FAILED'],
    ['longer than any', (token) => token.repeat(10), 'VALIDATION_FAILED'],
  ])('a token that is %s is none', async (_, make, code) => {
    await forgot(ada.email);
    const token = await mailedToken();
    const { status, json } = await reset(make(token), 'another horse altogether');
    expect([status, json.code]).toEqual([400, code]);
    expect(await mayEnter(ada.password)).toBe(true);
  });

  it('a token that verifies an address resets nothing, and the other way round', async () => {
    const grace = await app.person();
    const verifying = (await app.mailbox.waitFor(grace.email, /your address/)).token;
    expect((await reset(verifying, 'another horse altogether')).json.code).toBe('INVALID_TOKEN');
    await forgot(ada.email);
    const { json } = await app.post('/api/v1/auth/email/verify', { token: await mailedToken() });
    expect(json.code).toBe('INVALID_TOKEN');
  });

  it('nothing that is stored is enough to make a token', async () => {
    await forgot(ada.email);
    const token = await mailedToken();
    const rows = await app.rows('select * from auth.one_time_tokens where user_id = $1', [ada.id]);
    const jobs = await app.rows('select * from auth.mail_jobs where user_id = $1', [ada.id]);
    const text = JSON.stringify([rows, jobs]);
    expect(text).not.toContain(token);
    expect(text).not.toContain(Buffer.from(token, 'base64url').subarray(16).toString('hex'));
    expect(text).not.toMatch(/example\.com/);
  });

  it('of an address that several claim is its owner’s', async () => {
    const claim = await app.person({ email: ada.email });
    await forgot(ada.email);
    expect((await app.mailbox.waitFor(ada.email, /new password/)).text).toContain(`@${ada.username}`);
    expect((await reset(await mailedToken(), 'another horse altogether')).status).toBe(204);
    expect(await mayEnter(claim.password, claim)).toBe(true);
  });
});

it('a weak hash is made anew when its owner signs in, and a strong one left alone', async () => {
  const stored = async () =>
    (await app.rows<{ hash: string }>('select hash from auth.passwords where user_id = $1', [ada.id]))[0]
      ?.hash ?? '';
  const strong = await app.second({ PASSWORD_HASH_PASSES: '3' });
  const before = await stored();
  expect((await strong.login(ada.username, 'wrong horse')).status).toBe(401);
  expect((await app.login(ada.username, ada.password)).status).toBe(200);
  expect(await stored()).toBe(before);
  expect((await strong.login(ada.username, ada.password)).status).toBe(200);
  await app.until(async () => (await stored()).includes(',t=3,'), 'the new hash');
  const after = await stored();
  for (const each of [strong, app]) expect((await each.login(ada.username, ada.password)).status).toBe(200);
  expect(await stored()).toBe(after);
  expect(decodeJwt((await app.signIn(ada)).accessToken).sub).toBe(ada.id);
});
