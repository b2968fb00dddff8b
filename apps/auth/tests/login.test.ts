import { decodeJwt, decodeProtectedHeader } from 'jose';
import { audience, AuthApp, issuer, newDetails, tellingHeaders, type Person } from './auth-app';

let app: AuthApp;
let ada: Person;

beforeAll(async () => {
  // How guessing is slowed down has tests of its own.
  app = await AuthApp.start({ settings: { LOGIN_FREE_FAILURES: '1000' } });
  ada = await app.person();
});
afterAll(() => app.stop());

describe('signing in', () => {
  it.each<[string, () => string]>([
    ['the username', () => ada.username],
    ['the email', () => ada.email],
    ['the email in capitals', () => ada.email.toUpperCase()],
  ])('works by %s', async (_, identifier) => {
    const { status, headers, json } = await app.login(identifier(), ada.password);
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(json).toEqual({
      accessToken: expect.any(String),
      refreshToken: expect.stringMatching(/^[\w-]{91}$/),
      deviceToken: expect.stringMatching(/^[\w-]+$/),
      tokenType: 'Bearer',
      expiresIn: 900,
      user: {
        id: ada.id,
        email: ada.email,
        emailVerified: false,
        username: ada.username,
        roles: ['user'],
        createdAt: expect.any(String),
      },
    });
  });

  it('gives a token that says who, for whom and how long', async () => {
    const token = await app.tokenOf(ada);
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
    const { sid } = decodeJwt(await app.tokenOf(ada));
    expect(sid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    const [session] = await app.rows<{ user_id: string; created_at: Date; expires_at: Date }>(
      'select * from auth.sessions where id = $1',
      [sid],
    );
    expect(session?.user_id).toBe(ada.id);
    expect(Math.abs(Date.now() - Number(session?.created_at))).toBeLessThan(60_000);
    expect(Number(session?.expires_at) - Number(session?.created_at)).toBe(7 * 86_400_000);
  });

  it('knows a password by its characters, however they are composed', async () => {
    const cafe = await app.person({ password: 'caf\u00e9 au lait' });
    expect((await app.login(cafe.username, 'cafe\u0301 au lait')).status).toBe(200);
  });

  it('is counted, and logged with whose it was', async () => {
    const before = await app.metric('sign_ins_total{outcome="succeeded"}');
    const answer = await app.login(ada.username, ada.password);
    expect(await app.metric('sign_ins_total{outcome="succeeded"}')).toBe(before + 1);
    expect(await app.linesOf(answer)).toMatchObject([
      { message: 'User signed in', user_id: ada.id },
      { status: 200, user_id: ada.id },
    ]);
  });
});

describe('a sign-in that is refused', () => {
  it('is answered the same for a wrong password and for an account that is not there', async () => {
    const sessions = await app.rows('select id from auth.sessions order by id');
    const stranger = newDetails();
    const answers = [];
    for (const [identifier, password] of [
      [ada.username, 'wrong horse'],
      [ada.email, 'wrong horse'],
      [stranger.username, 'wrong horse'],
      [stranger.email, 'wrong horse'],
      ['no such name!', ada.password],
      [ada.username, ada.password.toUpperCase()],
      [ada.username, `${ada.password} `],
    ]) {
      const answer = await app.login(identifier, password);
      const { status, json } = answer;
      answers.push({ status, headers: tellingHeaders(answer), body: { ...json, requestId: '' } });
    }
    expect(answers[0]).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': 'Bearer realm="rostrum"' },
      body: { code: 'INVALID_CREDENTIALS' },
    });
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(await app.rows('select id from auth.sessions order by id')).toEqual(sessions);
  });

  it('costs a hash also where there is no account', async () => {
    const timeOf = async (identifier: string) => {
      const started = performance.now();
      expect((await app.login(identifier, 'wrong horse')).status).toBe(401);
      return performance.now() - started;
    };
    // The quickest of each: what a busy machine adds, it adds to some.
    let [known, unknown] = [Infinity, Infinity];
    for (let i = 0; i < 8; i += 1) {
      known = Math.min(known, await timeOf(ada.username));
      unknown = Math.min(unknown, await timeOf('nobody_here'));
    }
    // Without the work it would be near a tenth.
    expect(unknown / known).toBeGreaterThan(0.3);
  });

  it('is counted, and logged without the name that was typed', async () => {
    const before = await app.refusedSignIns();
    const answer = await app.login('my_password_by_mistake', 'wrong horse');
    expect(await app.refusedSignIns()).toBe(before + 1);
    expect(await app.linesOf(answer)).toMatchObject([{ message: 'Sign-in refused' }, { status: 401 }]);
    expect(app.log.text()).not.toContain('my_password_by_mistake');
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
    const { status, json } = await app.post('/api/v1/auth/login', body);
    expect([status, json.code]).toEqual([400, 'VALIDATION_FAILED']);
  });

  it.each(["' or 1=1 --", 'ada"; drop table auth.users; --', '%', '_da_%'])(
    'asks for %j, which is nobody’s name',
    async (identifier) => {
      expect((await app.login(identifier, ada.password)).status).toBe(401);
      expect(await app.rows('select 1 from auth.users where id = $1', [ada.id])).toHaveLength(1);
    },
  );
});
