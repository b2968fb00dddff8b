import { IdentityProvider, type Login } from '@rostrum/testing/identity-provider';
import { AuthApp, type Person } from './auth-app';
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

it('an identity that is not linked any more opens nothing', async () => {
  await link();
  expect((await app.delete(`${base}/identities/stub`, { token })).status).toBe(204);
  expect(outcome(await signIn())).toEqual([409, 'IDENTITY_NOT_LINKED']);
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
