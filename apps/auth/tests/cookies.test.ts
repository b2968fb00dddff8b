import { authCookies, csrfHeader } from '@rostrum/contracts';
import { decodeJwt } from 'jose';
import { AuthApp, type Answer, type Person } from './auth-app';

let app: AuthApp;
let ada: Person;

beforeAll(async () => {
  app = await AuthApp.start({ settings: { CORS_ALLOWED_ORIGINS: 'https://app.example' } });
  ada = await app.person();
});
afterAll(() => app.stop());

/** As a browser keeps cookies, and sends them back from a page of ours. */
class Browser {
  readonly jar = new Map<string, string>();

  take({ headers }: Answer): this {
    for (const line of headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split('; ');
      const at = pair.indexOf('=');
      const gone = attributes.includes('Max-Age=0');
      if (gone) this.jar.delete(pair.slice(0, at));
      else this.jar.set(pair.slice(0, at), pair.slice(at + 1));
    }
    return this;
  }

  get headers(): Record<string, string> {
    return {
      cookie: [...this.jar].map(([name, value]) => `${name}=${value}`).join('; '),
      'sec-fetch-site': 'same-origin',
      [csrfHeader]: this.jar.get(authCookies.csrf) ?? '',
    };
  }
}

const signIn = (headers: Record<string, string> = {}) =>
  app.post(
    '/api/v1/auth/login?mode=cookie',
    { identifier: ada.username, password: ada.password },
    { headers },
  );
const refresh = (headers: Record<string, string>) => app.post('/api/v1/auth/refresh', undefined, { headers });
const me = (headers: Record<string, string>) => app.get('/api/v1/auth/me', { headers });

it('signing in sets cookies that only this site gets, and no script but for one', async () => {
  const answer = await signIn();
  expect(answer.status).toBe(200);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(answer.json).toEqual({
    csrfToken: expect.stringMatching(/^[\w-]{43}$/),
    expiresIn: 900,
    user: expect.objectContaining({ id: ada.id }),
  });
  const set = answer.headers.getSetCookie();
  expect(set.map((line) => line.split('=')[0]).sort()).toEqual(Object.values(authCookies).sort());
  for (const line of set) {
    expect(line).toMatch(/^__Host-/);
    expect(line).toMatch(/; Path=\/; Max-Age=\d+; Secure; SameSite=Strict/);
    expect(line).not.toMatch(/Domain/i);
    expect(line.endsWith('; HttpOnly')).toBe(!line.startsWith(authCookies.csrf));
  }
  const { jar } = new Browser().take(answer);
  expect(jar.get(authCookies.csrf)).toBe(answer.json.csrfToken);
  expect(answer.text).not.toContain(jar.get(authCookies.refresh));
  expect(answer.text).not.toContain(jar.get(authCookies.access));
});

it('a browser is signed in, refreshes, and signs out', async () => {
  const browser = new Browser().take(await signIn());
  expect((await me(browser.headers)).json.id).toBe(ada.id);
  const csrf = browser.jar.get(authCookies.csrf);
  const before = new Map(browser.jar);
  const refreshed = await refresh(browser.headers);
  expect([refreshed.status, refreshed.json]).toEqual([200, { csrfToken: csrf, expiresIn: 900 }]);
  browser.take(refreshed);
  expect(browser.jar.get(authCookies.refresh)).not.toBe(before.get(authCookies.refresh));
  expect(decodeJwt(String(browser.jar.get(authCookies.access))).sid).toBe(
    decodeJwt(String(before.get(authCookies.access))).sid,
  );

  const out = await app.post('/api/v1/auth/logout', undefined, { headers: browser.headers });
  expect(out.status).toBe(204);
  browser.take(out);
  expect([...browser.jar.keys()]).toEqual([authCookies.device]);
  expect(
    (await refresh(Object.fromEntries([['cookie', [...before].map((p) => p.join('=')).join('; ')]]))).status,
  ).toBe(403);
});

it('its sessions are listed as those of browsers', async () => {
  const browser = new Browser().take(await signIn());
  const { json } = await app.get('/api/v1/auth/sessions', { headers: browser.headers });
  expect(json.items.find(({ current }: { current: boolean }) => current)).toMatchObject({ mode: 'cookie' });
});

describe.each<[string, (headers: Record<string, string>) => Promise<Answer>]>([
  ['refreshing', refresh],
  ['signing out', (headers) => app.post('/api/v1/auth/logout', undefined, { headers })],
  ['ending all sessions', (headers) => app.delete('/api/v1/auth/sessions', { headers })],
  ['changing the password', (headers) => app.post('/api/v1/auth/password/change', {}, { headers })],
])('%s by cookie', (_, ask) => {
  it.each<[string, Record<string, string>, string]>([
    [
      'from another site',
      { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
      'CROSS_SITE_REQUEST',
    ],
    [
      'from a sister site',
      { 'sec-fetch-site': 'same-site', origin: 'https://x.example' },
      'CROSS_SITE_REQUEST',
    ],
    ['from an address that was typed', { 'sec-fetch-site': 'none' }, 'CROSS_SITE_REQUEST'],
    ['without the token', { [csrfHeader]: '' }, 'CSRF_TOKEN_INVALID'],
    ['with a wrong token', { [csrfHeader]: 'a'.repeat(43) }, 'CSRF_TOKEN_INVALID'],
  ])('is refused %s', async (_what, wrong, code) => {
    const browser = new Browser().take(await signIn());
    const { status, json } = await ask({ ...browser.headers, ...wrong });
    expect([status, json.code]).toEqual([403, code]);
    expect((await me(browser.headers)).status).toBe(200);
    expect((await refresh(browser.headers)).status).toBe(200);
  });
});

it('a page that is allowed may refresh from elsewhere', async () => {
  const browser = new Browser().take(await signIn());
  const headers = { ...browser.headers, 'sec-fetch-site': 'cross-site', origin: 'https://app.example' };
  expect((await refresh(headers)).status).toBe(200);
});

it('the token of one session is none of another', async () => {
  const [one, other] = [new Browser().take(await signIn()), new Browser().take(await signIn())];
  const { json } = await refresh({ ...one.headers, [csrfHeader]: other.headers[csrfHeader] ?? '' });
  expect(json.code).toBe('CSRF_TOKEN_INVALID');
});

it('without a cookie there is nothing to refresh', async () => {
  const { status, json } = await refresh({ 'sec-fetch-site': 'same-origin' });
  expect([status, json.code]).toEqual([401, 'INVALID_REFRESH_TOKEN']);
});

it('the device is known again: its cookie comes back for the same device', async () => {
  const browser = new Browser().take(await signIn());
  const device = String(browser.jar.get(authCookies.device));
  const again = new Browser().take(await signIn(browser.headers));
  const bytes = (text: string) => Buffer.from(text, 'base64url').subarray(0, 32).toString('hex');
  expect(bytes(String(again.jar.get(authCookies.device)))).toBe(bytes(device));
});

it.each(['other', '', 'COOKIE'])('there is no mode %j', async (mode) => {
  const { status, json } = await app.post(`/api/v1/auth/login?mode=${mode}`, {
    identifier: ada.username,
    password: ada.password,
  });
  expect([status, json.code]).toEqual([400, 'VALIDATION_FAILED']);
});
