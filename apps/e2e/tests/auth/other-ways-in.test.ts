import { authMfaRoutes, authOidcRoutes, authPasskeyRoutes } from '@rostrum/contracts';
import { IdentityProvider } from '@rostrum/testing/identity-provider';
import { PasskeyBrowser } from '@rostrum/testing/passkey-browser';
import { generateSync } from 'otplib';
import { startSystem, type System } from '../system/system';
import { modes, newDetails, notYetCalled, People, type Client, type Details } from './people';

/** Six processes, a gateway and a browser, on a machine that has other things to do. */
const patientMs = 420_000;
const base = '/api/v1/auth';
/** By name: browsers have no passkeys for an address. */
const pageOf = (gatewayPort: number) => `https://localhost:${gatewayPort}`;

let provider: IdentityProvider;
let system: System;
let people: People;
let browser: PasskeyBrowser;

beforeAll(async () => {
  provider = await IdentityProvider.open();
  system = await startSystem({
    environment: (gatewayPort) => ({
      OIDC_PROVIDERS: provider.setting,
      WEBAUTHN_RP_ID: 'localhost',
      WEBAUTHN_ORIGINS: pageOf(gatewayPort),
    }),
  });
  people = new People(system);
  const { gateway, certificate } = system;
  const origin = pageOf(Number(new URL(gateway.url).port));
  browser = await PasskeyBrowser.open({ origin, certificate });
}, patientMs);
beforeEach(() => browser.forgetAll());
afterAll(async () => {
  await browser?.close();
  await system?.stop();
  await provider?.close();
}, patientMs);

/** The code that an authenticator app shows. Each is taken once, so a test asks for the next one too. */
function codeOf(secret: string, stepsFromNow: 0 | 1): { method: 'totp'; code: string } {
  const epoch = Math.floor(Date.now() / 1000) + stepsFromNow * 30;
  return { method: 'totp', code: generateSync({ secret, epoch }) };
}

const outcome = ({ status, json }: { status: number; json: { code?: string } | undefined }) => [
  status,
  json?.code,
];

describe.each(modes)('a client with a session of mode %s', (mode) => {
  let ada: Details & { id: string };
  let owner: Client;

  beforeEach(async () => {
    ada = await people.register();
    owner = (await people.signIn(ada, mode)).client;
  });

  /** What a sign-in with the password ends in, for whoever has a second factor. */
  async function question(): Promise<{ caller: Client; mfaToken: string; methods: string[] }> {
    const caller = people.client(mode);
    const { username: identifier, password } = ada;
    const { json } = await caller.call('POST', `${base}/login?mode=${mode}`, { identifier, password });
    expect(json).toMatchObject({ mfaRequired: true });
    expect(caller.cookies.size).toBe(0);
    return { caller, ...json };
  }

  async function answer(shown: object): Promise<Client> {
    const { caller, mfaToken } = await question();
    const reply = await caller.call('POST', `${base}/login/mfa`, { mfaToken, ...shown });
    expect(reply.status).toBe(200);
    caller.keep(reply);
    expect(await people.mayRead(caller)).toBe(true);
    return caller;
  }

  it('enrols an authenticator app, signs in with codes of it and on paper, and does without it', async () => {
    const { password } = ada;
    const { json: enrolled } = await owner.call('POST', `${base}/mfa/totp`, { password });
    const { secret } = enrolled;
    const { code } = codeOf(secret, 0);
    const { status, json } = await owner.call('POST', `${base}/mfa/totp/confirm`, { code });
    expect([status, json.recoveryCodes]).toEqual([200, expect.any(Array)]);
    const factors = await owner.call('GET', `${base}/mfa`);
    expect(factors.json).toEqual({ methods: ['totp', 'recovery-code'], recoveryCodesLeft: 10 });

    const change = { email: newDetails().email, password };
    expect(outcome(await owner.call('PATCH', `${base}/me`, change))).toEqual([403, 'STEP_UP_REQUIRED']);
    const [first, second, third] = json.recoveryCodes as [string, string, string];
    const onPaper = (recoveryCode: string) => ({ method: 'recovery-code', code: recoveryCode });
    expect((await owner.call('POST', `${base}/step-up`, onPaper(first))).status).toBe(200);
    expect((await owner.call('PATCH', `${base}/me`, change)).status).toBe(202);

    await answer(onPaper(second));
    const { caller, mfaToken } = await question();
    const again = { mfaToken, ...onPaper(second) };
    expect(outcome(await caller.call('POST', `${base}/login/mfa`, again))).toEqual([
      401,
      'SECOND_FACTOR_WRONG',
    ]);
    const phone = await answer(codeOf(secret, 1));
    const renewed = await phone.call('POST', `${base}/mfa/recovery-codes`, onPaper(third));
    const [renewedCode] = renewed.json.recoveryCodes as [string];
    const disabled = await phone.call('POST', `${base}/mfa/totp/disable`, onPaper(renewedCode));
    expect(disabled.status).toBe(204);
    await people.signIn(ada, mode);
  });

  it('makes a passkey in a browser, and shows it besides the password, to step up, and alone', async () => {
    const { password } = ada;
    const begun = await owner.call('POST', `${base}/passkeys/options`, { password });
    expect(begun.status).toBe(200);
    const made = await browser.create(begun.json.options);
    const kept = await owner.call('POST', `${base}/passkeys`, { name: 'Laptop', credential: made });
    expect(kept.status).toBe(201);
    const { id } = kept.json.passkey;
    const renamed = await owner.call('PATCH', `${base}/passkeys/${id}`, { name: 'Old laptop' });
    expect(renamed.json.name).toBe('Old laptop');

    const { caller, mfaToken, methods } = await question();
    expect(methods).toEqual(['passkey', 'recovery-code']);
    const asked = await caller.call('POST', `${base}/login/mfa/passkey-options`, { mfaToken });
    const proof = { method: 'passkey', credential: await browser.use(asked.json.options) };
    const answered = await caller.call('POST', `${base}/login/mfa`, { mfaToken, ...proof });
    expect(answered.json.user.id).toBe(ada.id);

    expect(outcome(await owner.call('DELETE', `${base}/passkeys/${id}`))).toEqual([403, 'STEP_UP_REQUIRED']);
    const { json } = await owner.call('POST', `${base}/step-up/passkey-options`);
    const shown = { method: 'passkey', credential: await browser.use(json.options) };
    expect((await owner.call('POST', `${base}/step-up`, shown)).status).toBe(200);

    const alone = people.client(mode);
    const { json: open } = await alone.call('POST', `${base}/login/passkey/options`);
    const credential = await browser.use(open.options);
    const signedIn = await alone.call('POST', `${base}/login/passkey?mode=${mode}`, { credential });
    expect(signedIn.json.user.id).toBe(ada.id);
    alone.keep(signedIn);
    expect(await people.mayRead(alone)).toBe(true);

    expect((await owner.call('DELETE', `${base}/passkeys/${id}`)).status).toBe(204);
    expect((await owner.call('GET', `${base}/passkeys`)).json.items).toEqual([]);
  });

  it('links an identity of a provider, signs in with it, and does without it', async () => {
    const identity = { sub: ada.id, email_verified: true };
    const login = async () => {
      const caller = people.client(mode);
      const { json } = await caller.call('POST', `${base}/oidc/stub/login?mode=${mode}`);
      const query = provider.authorize(json.authorizationUrl, identity);
      const reply = await caller.call('POST', `${base}/oidc/login`, { flowToken: json.flowToken, query });
      if (reply.status === 200) caller.keep(reply);
      return { caller, reply };
    };
    const { password } = ada;
    const { json } = await owner.call('POST', `${base}/oidc/stub/link`, { password });
    const query = provider.authorize(json.authorizationUrl, identity);
    const linked = await owner.call('POST', `${base}/oidc/link`, { flowToken: json.flowToken, query });
    expect(linked.status).toBe(204);

    const { caller, reply } = await login();
    expect(reply.json.user.id).toBe(ada.id);
    expect(await people.mayRead(caller)).toBe(true);
    const { items } = (await caller.call('GET', `${base}/identities`)).json;
    expect(items).toMatchObject([{ provider: 'stub' }]);
    expect((await caller.call('DELETE', `${base}/identities/stub`)).status).toBe(204);
    expect((await login()).reply.status).toBe(409);
  });

  it('signs up with an identity of a provider', async () => {
    const { username, email } = newDetails();
    const caller = people.client(mode);
    const { json } = await caller.call('POST', `${base}/oidc/stub/register?mode=${mode}`);
    const query = provider.authorize(json.authorizationUrl, { sub: username, email, email_verified: true });
    const end = { flowToken: json.flowToken, query, username };
    const reply = await caller.call('POST', `${base}/oidc/register`, end);
    expect([reply.status, reply.json.user]).toMatchObject([201, { username, email, emailVerified: true }]);
    caller.keep(reply);
    expect(await people.mayRead(caller)).toBe(true);
  });

  it('has been through every route of second factors, passkeys and identity providers', () => {
    const routes = [...authMfaRoutes, ...authPasskeyRoutes, ...authOidcRoutes];
    expect(notYetCalled(routes, mode)).toEqual([]);
  });
});

it('a page of the product signs somebody up and in by a passkey alone, and no script of it can read a token', async () => {
  const ada = newDetails();
  expect((await browser.ask('POST', `${base}/register`, ada)).status).toBe(201);
  const { username: identifier, password } = ada;
  const login = await browser.ask('POST', `${base}/login?mode=cookie`, { identifier, password });
  expect(login.status).toBe(200);
  const begun = await browser.ask('POST', `${base}/passkeys/options`, { password });
  const credential = await browser.create(begun.json.options);
  expect((await browser.ask('POST', `${base}/passkeys`, { name: 'Here', credential })).status).toBe(201);
  expect((await browser.ask('POST', `${base}/logout`)).status).toBe(204);
  expect((await browser.ask('GET', `${base}/me`)).status).toBe(401);

  const { json } = await browser.ask('POST', `${base}/login/passkey/options`);
  const shown = { credential: await browser.use(json.options) };
  expect((await browser.ask('POST', `${base}/login/passkey?mode=cookie`, shown)).status).toBe(200);
  expect((await browser.ask('GET', `${base}/me`)).json).toMatchObject({ username: ada.username });
  expect((await browser.ask('POST', '/api/v1/posts', { text: 'From a page.' })).status).toBe(201);
  expect(await browser.readableCookies()).toMatch(/^__Host-rostrum_csrf=[^;]*$/);
});
