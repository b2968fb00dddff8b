import { AuthApp } from './auth-app';
import { challengeOf, codeOf, withTotp, type Guarded } from './totp-app';

let app: AuthApp;
let ada: Guarded;

beforeAll(async () => {
  app = await AuthApp.start();
});
beforeEach(async () => {
  ada = await withTotp(app, await app.person());
});
afterAll(() => app.stop());

const stepUp = (code: string, token = ada.token) =>
  app.post('/api/v1/auth/step-up', { method: 'totp', code }, { token });

const sensitive: [string, () => Promise<{ status: number; json: { code?: string } }>][] = [
  [
    'a new password',
    () =>
      app.post(
        '/api/v1/auth/password/change',
        { currentPassword: ada.person.password, newPassword: 'another fine horse' },
        { token: ada.token },
      ),
  ],
  [
    'a new address',
    () =>
      app.patch(
        '/api/v1/auth/me',
        { email: `new.${ada.person.email}`, password: ada.person.password },
        { token: ada.token },
      ),
  ],
  [
    'the end of the account',
    () => app.delete('/api/v1/auth/me', { body: { password: ada.person.password }, token: ada.token }),
  ],
  [
    'doing without the second factor',
    () => app.post('/api/v1/auth/mfa/totp/disable', { password: ada.person.password }, { token: ada.token }),
  ],
];

it.each(sensitive)('%s takes a second factor, shown in this session', async (_, act) => {
  const refused = await act();
  expect([refused.status, refused.json.code]).toEqual([403, 'STEP_UP_REQUIRED']);
  const { status, json } = await stepUp(codeOf(ada.secret));
  expect(status).toBe(200);
  expect((Date.parse(json.until) - Date.now()) / 60_000).toBeLessThanOrEqual(10.1);
  expect([200, 202, 204]).toContain((await act()).status);
});

it.each(sensitive)('%s takes no second factor of who has none', async (_, act) => {
  const person = await app.person();
  ada = { ...ada, person, token: await app.tokenOf(person) };
  const { json, status } = await act();
  expect([200, 202, 204, 409]).toContain(status);
  expect(json?.code).not.toBe('STEP_UP_REQUIRED');
});

it('keys are changed by admins who have shown a second factor lately', async () => {
  await app.rows(`update auth.users set roles = '{user,admin}' where id = $1`, [ada.person.id]);
  const mfaToken = await challengeOf(app, ada);
  const body = { mfaToken, method: 'totp', code: codeOf(ada.secret) };
  const { json } = await app.post('/api/v1/auth/login/mfa', body);
  const token: string = json.accessToken;
  const rotate = () => app.post('/api/v1/auth/admin/keys/rotate', undefined, { token });
  expect((await rotate()).status).toBe(200);
  await app.rows(`update auth.sessions set created_at = now() - interval '11 minutes' where user_id = $1`, [
    ada.person.id,
  ]);
  expect((await rotate()).json.code).toBe('STEP_UP_REQUIRED');
  const revoke = await app.post('/api/v1/auth/admin/keys/any/revoke', { reason: 'a test' }, { token });
  expect(revoke.json.code).toBe('STEP_UP_REQUIRED');
});

it('is over after ten minutes, and counts in no other session', async () => {
  const { json } = await app.post('/api/v1/auth/login/mfa', {
    mfaToken: await challengeOf(app, ada),
    method: 'recovery-code',
    code: ada.recoveryCodes[0],
  });
  const other: string = json.accessToken;
  const [, change] = sensitive[1] as (typeof sensitive)[number];
  expect((await stepUp(codeOf(ada.secret), other)).status).toBe(200);
  expect((await change()).json.code).toBe('STEP_UP_REQUIRED');
  ada = { ...ada, token: other };
  await app.rows(
    `update auth.sessions set created_at = now() - interval '1 hour', stepped_up_at = now() - interval '601 seconds'
      where user_id = $1`,
    [ada.person.id],
  );
  expect((await change()).json.code).toBe('STEP_UP_REQUIRED');
});

it('takes a right code', async () => {
  const { status, json } = await stepUp('000000');
  expect([status, json.code]).toEqual([401, 'SECOND_FACTOR_WRONG']);
  const person = await app.person();
  const nobody = await stepUp(codeOf(ada.secret), await app.tokenOf(person));
  expect([nobody.status, nobody.json.code]).toEqual([401, 'SECOND_FACTOR_WRONG']);
});
