import { AuthApp, type Person } from './auth-app';

let app: AuthApp;
let root: Person;
let token: string;

beforeAll(async () => {
  app = await AuthApp.start();
  root = await app.person();
  await app.rows(`update auth.users set roles = '{user,admin}' where id = $1`, [root.id]);
  token = await app.tokenOf(root);
});
afterAll(() => app.stop());

describe('what a gateway asks before it passes a request on', () => {
  const ask = (question: { token?: string; headers?: Record<string, string> } = {}) =>
    app.get('/api/v1/auth/verify', question);

  it('says whose token it is, and in which session with which roles', async () => {
    const { status, headers, text } = await ask({ token });
    expect([status, text]).toEqual([204, '']);
    expect(headers.get('x-user-id')).toBe(root.id);
    expect(headers.get('x-user-roles')).toBe('user,admin');
    expect(headers.get('x-session-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers.get('cache-control')).toBe('no-store');
  });

  it('refuses whom the roles do not permit, and everybody for a permission that is unknown', async () => {
    const asked = async (permission: string, as: string) =>
      (await app.get(`/api/v1/auth/verify?permission=${permission}`, { token: as })).status;
    const theirs = await app.tokenOf(await app.person());
    expect([await asked('operations.read', token), await asked('operations.read', theirs)]).toEqual([
      204, 403,
    ]);
    expect([await asked('everything', token), await asked('toString', token)]).toEqual([403, 403]);
  });

  it('refuses a change by cookie without the CSRF token', async () => {
    const { password, username } = await app.person();
    const { headers, json } = await app.post('/api/v1/auth/login?mode=cookie', {
      identifier: username,
      password,
    });
    const cookie = headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ');
    const statusFor = async (method: string, more: Record<string, string> = {}) =>
      (await ask({ headers: { cookie, 'x-forwarded-method': method, ...more } })).status;
    expect([await statusFor('GET'), await statusFor('POST')]).toEqual([204, 403]);
    expect(await statusFor('POST', { 'x-csrf-token': json.csrfToken })).toBe(204);
  });

  it('refuses what is no good token', async () => {
    expect((await ask()).status).toBe(401);
    expect((await ask({ token: `${token}x` })).status).toBe(401);
    expect((await ask({ headers: { authorization: 'Basic eDp5' } })).status).toBe(401);
  });
});
