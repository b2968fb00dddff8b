import { AuthApp } from './auth-app';

let app: AuthApp;

beforeAll(async () => {
  app = await AuthApp.start();
});
afterAll(() => app.stop());

const canary = {
  email: 'canary.Email.7731@example.com',
  username: 'canary_7731',
  password: 'canary-password-7731',
};
const secret = /canary[.-](email|password|wrong|role)|argon2id|eyJ|PRIVATE KEY/i;

it('neither a password nor an email nor a token is in any log line or metric', async () => {
  await app.startWorker();
  const person = await app.verifiedPerson(canary);
  const { accessToken: token, refreshToken, deviceToken } = await app.signIn(person);
  const mailed = await app.mailbox.waitFor(canary.email.toLowerCase(), /your address/);
  const rotated = await app.refresh(refreshToken, {
    headers: { cookie: `__Host-rostrum_refresh=${refreshToken}` },
  });
  const given = [refreshToken, deviceToken, rotated.json.refreshToken, mailed.token];
  const query = `email=${encodeURIComponent(canary.email)}&password=${canary.password}`;
  const answers = [
    await app.register(canary),
    await app.register({ ...canary, username: 'other_7731' }),
    await app.register({ ...canary, role: 'canary-role-7731' }),
    await app.register({ ...canary, email: `${canary.email}@`, password: 'c7731' }),
    await app.login(canary.email, 'canary-wrong-7731'),
    await app.login(canary.password, canary.password),
    await app.login(canary.email, `${canary.password}\u0000`),
    await app.get(`/api/v1/auth/me?${query}`, { token }),
    await app.get(`/api/v1/auth/nothing?access_token=${token}`),
  ];
  expect(answers.map(({ status }) => status)).toEqual([409, 201, 400, 400, 401, 401, 400, 200, 404]);

  // PostgreSQL answers an error in the midst of a registration: what it was about must not come out with it.
  await app.rows(`create function auth.broken() returns trigger language plpgsql as
    $$ begin raise exception 'broken' using errcode = 'XX000', detail = new::text; end $$`);
  for (const table of ['users', 'passwords'])
    await app.rows(
      `create trigger broken before insert on auth.${table} for each row execute function auth.broken()`,
    );
  for (const username of ['third_7731', 'fourth_7731']) {
    const broken = await app.register({ ...canary, email: `x${canary.email}`, username });
    expect([broken.status, broken.json.code]).toEqual([500, 'INTERNAL_ERROR']);
    expect(await app.linesOf(broken)).toMatchObject([{ level: 'error' }, { status: 500 }]);
    answers.push(broken);
    await app.rows('drop trigger if exists broken on auth.users');
  }

  for (const each of given) {
    expect(each).toMatch(/^[\w-]{40,}$/);
    expect(app.log.text()).not.toContain(each);
  }
  expect(await app.metrics()).not.toMatch(secret);
  for (const answer of answers.filter(({ status }) => status >= 400)) expect(answer.text).not.toMatch(secret);
  expect(app.log.lines().length).toBeGreaterThan(answers.length);
  expect(app.log.text()).not.toMatch(secret);
});
