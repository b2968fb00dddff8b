import { accountExport } from '@rostrum/contracts';
import { AuthApp, newDetails } from './auth-app';

let app: AuthApp;

beforeAll(async () => {
  app = await AuthApp.start({ settings: { TRUSTED_PROXIES: '127.0.0.1' } });
});
afterAll(() => app.stop());

it('people get everything that is kept of them, and nothing of anybody else', async () => {
  const [ada, eve] = [await app.person(), await app.person()];
  const from = { headers: { 'user-agent': 'curl/8.5.0', 'x-forwarded-for': '192.0.2.7' } };
  await app.signIn(eve, { headers: { 'x-forwarded-for': '203.0.113.9' } });
  const { accessToken: token } = await app.signIn(ada, from);
  const { email } = newDetails();
  await app.patch('/api/v1/auth/me', { email, password: ada.password }, { token, ...from });
  const { status, headers, json, text } = await app.get('/api/v1/auth/me/export', { token });
  expect(status).toBe(200);
  expect(headers.get('content-disposition')).toBe('attachment; filename="account.json"');
  expect(headers.get('cache-control')).toBe('no-store');
  const given = accountExport.strict().parse(json);
  expect(given.account).toMatchObject({
    id: ada.id,
    email: ada.email,
    username: ada.username,
    emailVerified: false,
    emailVerifiedAt: null,
    pendingEmail: email,
    passwordChangedAt: expect.any(String),
  });
  expect(given.sessions).toMatchObject([{ current: true, address: '192.0.2.7', client: 'curl/8.5.0' }]);
  expect(given).toMatchObject({
    secondFactors: { methods: [], recoveryCodesLeft: 0 },
    passkeys: [],
    identities: [],
  });
  expect(text).not.toContain('argon2');
  expect(text).not.toContain(eve.username);
  expect(text).not.toContain('203.0.113.9');
});

it('nobody else gets it', async () => {
  expect((await app.get('/api/v1/auth/me/export')).status).toBe(401);
});
