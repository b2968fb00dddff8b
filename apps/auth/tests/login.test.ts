import { decodeJwt, decodeProtectedHeader } from 'jose';
import { audience, issuer, newDetails, problemOf, startAuth, type AuthApp, type Details } from './auth-app';

let app: AuthApp;
let ada: Details & { id: string };

beforeAll(async () => {
  app = await startAuth();
  ada = await app.register();
});
afterAll(() => app.stop());

const login = (body: unknown) => app.ask('/api/v1/auth/login', { method: 'POST', body });

describe('signing in', () => {
  it.each<[string, () => string]>([
    ['the username', () => ada.username],
    ['the email', () => ada.email],
    ['the email in capitals', () => ada.email.toUpperCase()],
  ])('works by %s', async (_, identifier) => {
    const response = await login({ identifier: identifier(), password: ada.password });
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.json()).toEqual({
      accessToken: expect.any(String),
      tokenType: 'Bearer',
      expiresIn: 900,
      user: { id: ada.id, email: ada.email, username: ada.username, createdAt: expect.any(String) },
    });
  });

  it('gives a token that says who, for whom and how long', async () => {
    const token = await app.signIn(ada);
    expect(decodeProtectedHeader(token)).toEqual({
      alg: 'RS256',
      typ: 'at+jwt',
      kid: expect.stringMatching(/^[\w-]{43}$/),
    });
    const claims = decodeJwt(token);
    expect(claims).toMatchObject({
      iss: issuer,
      aud: audience,
      sub: ada.id,
      preferred_username: ada.username,
      roles: ['user'],
    });
    expect(Number(claims.exp) - Number(claims.iat)).toBe(900);
  });

  it('begins a session that outlives the token', async () => {
    const { sid } = decodeJwt(await app.signIn(ada));
    expect(sid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    const [session] = await app.sql<{ user_id: string; created_at: Date; expires_at: Date }>(
      'select * from auth.sessions where id = $1',
      [sid],
    );
    expect(session?.user_id).toBe(ada.id);
    expect(Math.abs(Date.now() - Number(session?.created_at))).toBeLessThan(60_000);
    expect(Number(session?.expires_at) - Number(session?.created_at)).toBe(7 * 86_400_000);
  });

  it('knows a password by its characters, however they are composed', async () => {
    const cafe = await app.register({ password: 'caf\u00e9 au lait' });
    const response = await login({ identifier: cafe.username, password: 'cafe\u0301 au lait' });
    expect(response.status).toBe(200);
  });
});

describe('a sign-in that is refused', () => {
  it('is answered the same for a wrong password and for an account that is not there', async () => {
    const sessionsBefore = await app.sql('select id from auth.sessions');
    const stranger = newDetails();
    const answers = [];
    for (const body of [
      { identifier: ada.username, password: 'wrong horse' },
      { identifier: ada.email, password: 'wrong horse' },
      { identifier: stranger.username, password: 'wrong horse' },
      { identifier: stranger.email, password: 'wrong horse' },
      { identifier: 'no such name!', password: ada.password },
      { identifier: ada.username, password: ada.password.toUpperCase() },
      { identifier: ada.username, password: `${ada.password} ` },
    ]) {
      const response = await login(body);
      const { requestId, ...problem } = await problemOf(response);
      expect(requestId).toBe(response.headers.get('x-request-id'));
      const headers = Object.fromEntries(response.headers);
      delete headers['date'];
      delete headers['x-request-id'];
      answers.push({ status: response.status, headers, problem });
    }
    expect(answers[0]).toMatchObject({ status: 401, problem: { code: 'INVALID_CREDENTIALS' } });
    expect(answers[0]?.headers['www-authenticate']).toMatch(/^Bearer/);
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(await app.sql('select id from auth.sessions')).toEqual(sessionsBefore);
  });

  it('costs a hash also where there is no account', async () => {
    const timeOf = async (identifier: string) => {
      const started = performance.now();
      for (let i = 0; i < 8; i += 1) {
        expect((await login({ identifier, password: 'wrong horse' })).status).toBe(401);
      }
      return performance.now() - started;
    };
    await timeOf(ada.username);
    const ratio = (await timeOf('nobody_here')) / (await timeOf(ada.username));
    // Wide enough for a busy machine; without the work it would be near a tenth.
    expect(ratio).toBeGreaterThan(0.3);
  });

  it.each<[string, object]>([
    ['no password', { identifier: 'ada' }],
    ['an empty password', { identifier: 'ada', password: '' }],
    ['a password of 129 characters', { identifier: 'ada', password: 'a'.repeat(129) }],
    ['a null byte in the name', { identifier: 'ada\u0000', password: 'correct horse' }],
    ['a null byte in the password', { identifier: 'ada', password: 'correct\u0000horse' }],
    ['an object for a name', { identifier: { $gt: '' }, password: 'correct horse' }],
    ['a field too many', { identifier: 'ada', password: 'correct horse', role: 'admin' }],
  ])('has %s', async (_, body) => {
    const response = await login(body);
    expect(response.status).toBe(400);
    expect((await problemOf(response)).code).toBe('VALIDATION_FAILED');
  });

  it.each(["' or 1=1 --", 'ada"; drop table auth.users; --', '%', '_da_%'])(
    'asks for %j, which is nobody’s name',
    async (identifier) => {
      const response = await login({ identifier, password: ada.password });
      expect(response.status).toBe(401);
      expect(await app.sql('select 1 from auth.users where id = $1', [ada.id])).toHaveLength(1);
    },
  );
});
