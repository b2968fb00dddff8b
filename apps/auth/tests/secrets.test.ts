import { startAuth, type AuthApp } from './auth-app';

const canary = {
  email: 'canary.Email.7731@example.com',
  username: 'canary_7731',
  password: 'canary-password-7731',
};

it('neither a password nor an email nor a token is in any log line or metric', async () => {
  const app: AuthApp = await startAuth();
  const post = (path: string, body: unknown) => app.ask(`/api/v1/auth/${path}`, { method: 'POST', body });
  await app.register(canary);
  const token = await app.signIn(canary);

  const answers = await Promise.all([
    post('register', canary),
    post('register', { ...canary, username: 'other_7731' }),
    post('register', { ...canary, role: 'canary-role-7731' }),
    post('register', { ...canary, email: `${canary.email}@`, password: 'c7731' }),
    post('login', { identifier: canary.email, password: 'canary-wrong-7731' }),
    post('login', { identifier: canary.password, password: canary.password }),
    post('login', { identifier: canary.email, password: `${canary.password}\u0000` }),
    app.ask(`/api/v1/auth/me?email=${encodeURIComponent(canary.email)}&password=${canary.password}`, {
      token,
    }),
    app.ask(`/api/v1/auth/nothing?access_token=${token}`),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([409, 409, 400, 400, 401, 401, 400, 200, 404]);

  // PostgreSQL answers an error in the midst of a registration: what it was about must not come out with it.
  await app.sql(`alter table auth.passwords add constraint broken check (hash = 'never') not valid`);
  const broken = await post('register', { ...canary, email: `x${canary.email}`, username: 'third_7731' });
  expect(broken.status).toBe(500);
  const text = await broken.text();

  const metrics = await app.metrics();
  const log = await app.stop();
  expect(log.split('\n').length).toBeGreaterThan(answers.length);
  expect(log).toMatch(/"level":"error".*INTERNAL_ERROR/);
  const secret = /canary[.-](email|password|wrong|role)|argon2id|eyJ|BEGIN PRIVATE/i;
  for (const place of [log, metrics, text]) expect(place).not.toMatch(secret);
});
