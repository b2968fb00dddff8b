import { IdentityProvider, type Login } from '@rostrum/testing/identity-provider';
import { AuthApp, newDetails, type Person } from './auth-app';
import { withTotp } from './totp-app';

const base = '/api/v1/auth';

let app: AuthApp;
let provider: IdentityProvider;
let ada: Person;
let token: string;
let login: Login;
let people = 0;

beforeAll(async () => {
  provider = await IdentityProvider.open();
  app = await AuthApp.start({ settings: { OIDC_PROVIDERS: provider.setting } });
});
beforeEach(async () => {
  people += 1;
  login = { sub: `person-${people}`, email_verified: true };
  ada = await app.person();
  token = await app.tokenOf(ada);
});
afterAll(async () => {
  await app.stop();
  await provider.close();
});

const outcome = ({ status, json }: { status: number; json: { code?: string } }) => [status, json?.code];

async function beginLogin(query = '') {
  const { json, status } = await app.post(`${base}/oidc/stub/login${query}`, undefined);
  expect(status).toBe(200);
  return json as { authorizationUrl: string; flowToken: string };
}

async function signIn(as: Login = login, query = '') {
  const { authorizationUrl, flowToken } = await beginLogin(query);
  return app.post(`${base}/oidc/login`, { flowToken, query: provider.authorize(authorizationUrl, as) });
}

async function link(as: Login = login) {
  const { password } = ada;
  const { json, status } = await app.post(`${base}/oidc/stub/link`, { password }, { token });
  expect(status).toBe(200);
  const query = provider.authorize(json.authorizationUrl, as);
  return app.post(`${base}/oidc/link`, { flowToken: json.flowToken, query }, { token });
}

it('an identity that its owner has linked signs in, with cookies too', async () => {
  expect(outcome(await signIn())).toEqual([409, 'IDENTITY_NOT_LINKED']);
  expect((await link()).status).toBe(204);
  expect((await signIn()).json.user.id).toBe(ada.id);
  expect((await signIn(login, '?mode=cookie')).headers.getSetCookie().join()).toContain('HttpOnly');
  const { json } = await app.get(`${base}/identities`, { token });
  expect(json.items).toEqual([{ provider: 'stub', linkedAt: expect.any(String) }]);
  expect((await app.get(`${base}/me/export`, { token })).json.identities).toEqual(json.items);
  const rows = await app.rows(
    `select action from auth.audit_events where subject_id = $1 and action like 'identity.%'`,
    [ada.id],
  );
  expect(rows).toEqual([{ action: 'identity.linked' }]);
});

it('an identity that is not linked any more opens nothing, and is counted as refused', async () => {
  await link();
  expect((await app.delete(`${base}/identities/stub`, { token })).status).toBe(204);
  const before = await app.refusedSignIns();
  expect(outcome(await signIn())).toEqual([409, 'IDENTITY_NOT_LINKED']);
  expect(await app.refusedSignIns()).toBe(before + 1);
});

it('a second factor is asked for all the same', async () => {
  await link();
  await withTotp(app, ada);
  expect((await signIn()).json).toMatchObject({ mfaRequired: true, methods: ['totp', 'recovery-code'] });
});

it('only an identity with a verified address is linked, and to one account', async () => {
  expect(outcome(await link({ ...login, email_verified: false }))).toEqual([403, 'OIDC_EMAIL_UNVERIFIED']);
  await link();
  ada = await app.person();
  token = await app.tokenOf(ada);
  expect(outcome(await link())).toEqual([409, 'IDENTITY_TAKEN']);
});

it.each<[string, (query: string) => string]>([
  ['another state', (query) => query.replace(/state=[^&]*/, 'state=another')],
  ['no state', (query) => query.replace(/&state=[^&]*/, '')],
  ['another issuer', (query) => query.replace(/iss=[^&]*/, 'iss=https%3A%2F%2Fevil.test')],
  ['a code of nobody', (query) => query.replace(/code=[^&]*/, 'code=nobody')],
  ['a refusal', () => 'error=access_denied'],
])('%s is refused', async (_, change) => {
  await link();
  const { authorizationUrl, flowToken } = await beginLogin();
  const query = change(provider.authorize(authorizationUrl, login));
  expect(outcome(await app.post(`${base}/oidc/login`, { flowToken, query }))).toEqual([401, 'OIDC_REFUSED']);
});

describe('signing up', () => {
  async function signUp(username: string, as: Login, query = '') {
    const { json } = await app.post(`${base}/oidc/stub/register${query}`, undefined);
    const end = { flowToken: json.flowToken, query: provider.authorize(json.authorizationUrl, as) };
    return app.post(`${base}/oidc/register`, { ...end, username });
  }

  it('makes an account with a verified address and the name that was chosen, and signs in to it', async () => {
    const { username, email } = newDetails();
    const known = { ...login, email: email.toUpperCase() };
    const { status, json } = await signUp(username, known);
    expect([status, json.user]).toMatchObject([
      201,
      { username, email, emailVerified: true, roles: ['user'] },
    ]);
    expect((await app.get(`${base}/me`, { token: json.accessToken })).status).toBe(200);
    expect((await signIn(known)).json.user.id).toBe(json.user.id);
    const events = await app.rows(
      `select action from auth.audit_events where subject_id = $1 order by occurred_at, seq`,
      [json.user.id],
    );
    expect(events.map(({ action }) => action).slice(0, 3)).toEqual([
      'account.registered',
      'identity.linked',
      'session.started',
    ]);
    const told = await app.rows(`select 1 from auth.outbox where key = $1 and type = 'user.registered'`, [
      json.user.id,
    ]);
    expect(told).toHaveLength(1);
  });

  it('sets cookies where it was begun so', async () => {
    const { username, email } = newDetails();
    const { status, headers } = await signUp(username, { ...login, email }, '?mode=cookie');
    expect([status, headers.getSetCookie().join()]).toEqual([201, expect.stringContaining('HttpOnly')]);
  });

  it('takes an address that the provider has verified, and nothing else', async () => {
    const { username, email } = newDetails();
    const { sub } = login;
    for (const as of [
      { sub, email },
      { sub, email, email_verified: false },
      { sub, email_verified: true },
    ])
      expect(outcome(await signUp(username, as))).toEqual([403, 'OIDC_EMAIL_UNVERIFIED']);
    const odd = { sub, email: 'two@example.com, one@example.com', email_verified: true };
    expect(outcome(await signUp(username, odd))).toEqual([403, 'OIDC_EMAIL_UNVERIFIED']);
  });

  it('leaves nothing behind where the name, the address or the identity is taken', async () => {
    const { username, email } = newDetails();
    const known = { ...login, email };
    expect(outcome(await signUp(ada.username, known))).toEqual([409, 'USERNAME_TAKEN']);
    expect((await signUp(username, known)).status).toBe(201);
    const other = newDetails();
    expect(outcome(await signUp(other.username, known))).toEqual([409, 'IDENTITY_TAKEN']);
    const again = { ...known, sub: `${known.sub}-other` };
    expect(outcome(await signUp(other.username, again))).toEqual([409, 'EMAIL_TAKEN']);
    const left = await app.rows('select 1 from auth.users where username = $1', [other.username]);
    expect(left).toEqual([]);
    expect((await app.register({ ...other, email: newDetails().email })).status).toBe(201);
  });

  it('whoever only claims an address keeps nobody from it who has it', async () => {
    const { username } = newDetails();
    expect((await signUp(username, { ...login, email: ada.email })).status).toBe(201);
    expect(
      await app.rows('select 1 from auth.users where id = $1 and email_verified_at is null', [ada.id]),
    ).toHaveLength(1);
  });

  it('ends no other flow, and no other flow ends it', async () => {
    const { json } = await app.post(`${base}/oidc/stub/register`, undefined);
    const query = provider.authorize(json.authorizationUrl, login);
    expect(outcome(await app.post(`${base}/oidc/login`, { flowToken: json.flowToken, query }))).toEqual([
      401,
      'OIDC_REFUSED',
    ]);
    const begun = await beginLogin();
    const end = { flowToken: begun.flowToken, query: provider.authorize(begun.authorizationUrl, login) };
    const { username } = newDetails();
    expect(outcome(await app.post(`${base}/oidc/register`, { ...end, username }))).toEqual([
      401,
      'OIDC_REFUSED',
    ]);
  });
});

it('a provider that does not answer, or fails, is unavailable, and refuses nobody', async () => {
  await link();
  for (const trouble of ['hang up', 'error'] as const) {
    const { authorizationUrl, flowToken } = await beginLogin();
    const query = provider.authorize(authorizationUrl, login);
    provider.tokenEndpoint = trouble;
    const answer = await app.post(`${base}/oidc/login`, { flowToken, query });
    provider.tokenEndpoint = 'tokens';
    expect(outcome(answer)).toEqual([503, 'IDENTITY_PROVIDER_UNAVAILABLE']);
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
  }
  await app.until(async () => (await signIn()).status === 200, 'the provider to be asked again');
});

it('sign-ins that are refused are in the audit log', async () => {
  const refusals = () =>
    app.rows<{ details: object }>(
      `select body::jsonb -> 'details' as details from auth.audit_events
        where action = 'session.started' and result = 'refused' order by occurred_at, seq`,
    );
  const before = (await refusals()).length;
  await signIn();
  await signIn({ ...login, nonce: 'another' });
  expect((await refusals()).slice(before)).toEqual([
    { details: { code: 'IDENTITY_NOT_LINKED' } },
    { details: { code: 'OIDC_REFUSED' } },
  ]);
});

it('a token for somebody else, or from an earlier time, is refused', async () => {
  await link();
  expect(outcome(await signIn({ ...login, nonce: 'another' }))).toEqual([401, 'OIDC_REFUSED']);
  expect(outcome(await signIn({ ...login, aud: 'another' }))).toEqual([401, 'OIDC_REFUSED']);
});

it('nobody ends what somebody else has begun, and nothing ends twice', async () => {
  await link();
  const [mine, theirs] = [await beginLogin(), await beginLogin()];
  const query = provider.authorize(theirs.authorizationUrl, login);
  const end = (flowToken: string) => app.post(`${base}/oidc/login`, { flowToken, query });
  expect(outcome(await end(mine.flowToken))).toEqual([401, 'OIDC_REFUSED']);
  expect((await end(theirs.flowToken)).status).toBe(200);
  expect(outcome(await end(theirs.flowToken))).toEqual([401, 'OIDC_REFUSED']);
});

it('a provider that is not configured is not there', async () => {
  expect((await app.post(`${base}/oidc/other/login`, undefined)).status).toBe(404);
});
