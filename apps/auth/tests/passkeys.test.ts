import { PasskeyBrowser } from '@rostrum/testing/passkey-browser';
import { decodeJwt } from 'jose';
import { AuthApp, type Person } from './auth-app';

const base = '/api/v1/auth';
const relyingParty = 'rostrum.test';
const ownOrigin = `https://${relyingParty}`;

let app: AuthApp;
let browser: PasskeyBrowser;
let ada: Person;
let token: string;

beforeAll(async () => {
  app = await AuthApp.start({ settings: { WEBAUTHN_RP_ID: relyingParty, WEBAUTHN_ORIGINS: ownOrigin } });
  await app.startWorker();
  browser = await PasskeyBrowser.open({ origin: ownOrigin });
}, 420_000);
beforeEach(async () => {
  await browser.forgetAll();
  await browser.verifyUser(true);
  await browser.visit(ownOrigin);
  ada = await app.person();
  token = await app.tokenOf(ada);
});
afterAll(async () => {
  await browser?.close();
  await app.stop();
});

const optionsOf = async (path: string, body?: unknown, as?: string) => {
  const { json, status } = await app.post(base + path, body, as === undefined ? {} : { token: as });
  expect(status).toBe(200);
  return json.options;
};

async function begin() {
  return optionsOf('/passkeys/options', { password: ada.password }, token);
}

async function makePasskey(name = 'Laptop') {
  const credential = await browser.create(await begin());
  return app.post(`${base}/passkeys`, { name, credential }, { token });
}

const loginOptions = () => optionsOf('/login/passkey/options');
const login = (credential: unknown, query = '') => app.post(`${base}/login/passkey${query}`, { credential });
const signInAlone = async (query = '') => login(await browser.use(await loginOptions()), query);

const outcome = ({ status, json }: { status: number; json: { code?: string } }) => [status, json?.code];
const audited = (action: string) =>
  app.rows<{ result: string }>(
    'select result from auth.audit_events where action = $1 and subject_id = $2 order by occurred_at, seq',
    [action, ada.id],
  );

describe('a passkey', () => {
  it('is made by a browser, and kept with a name', async () => {
    const { status, json } = await makePasskey();
    expect(status).toBe(201);
    expect(json.passkey).toMatchObject({ name: 'Laptop', usedAt: null });
    expect(json.recoveryCodes).toHaveLength(10);
    const renamed = await app.patch(`${base}/passkeys/${json.passkey.id}`, { name: 'Old laptop' }, { token });
    expect(renamed.json.name).toBe('Old laptop');
    const { json: listed } = await app.get(`${base}/passkeys`, { token });
    expect(listed.items).toEqual([renamed.json]);
    const { json: exported } = await app.get(`${base}/me/export`, { token });
    expect(exported.passkeys).toEqual([renamed.json]);
    expect(exported.secondFactors).toEqual({ methods: ['passkey', 'recovery-code'], recoveryCodesLeft: 10 });
    expect(await audited('passkey.added')).toEqual([{ result: 'succeeded' }]);
  });

  it('signs its owner in by itself, with cookies too, and is enough of a proof for what is sensitive', async () => {
    await makePasskey();
    const { status, json } = await signInAlone();
    expect(status).toBe(200);
    expect(json.user.id).toBe(ada.id);
    const { sid } = decodeJwt(json.accessToken);
    expect(await app.rows('select methods from auth.sessions where id = $1', [sid])).toEqual([
      { methods: ['hwk', 'mfa'] },
    ]);
    const change = { email: `new.${ada.email}`, password: ada.password };
    expect((await app.patch(`${base}/me`, change, { token: json.accessToken })).status).toBe(202);
    const cookies = (await signInAlone('?mode=cookie')).headers.getSetCookie();
    expect(cookies.some((each) => /^__Host-.*HttpOnly/.test(each))).toBe(true);
  });

  it('is the second factor of a sign-in with the password', async () => {
    await makePasskey();
    const { json } = await app.login(ada.username, ada.password);
    expect(json).toMatchObject({ mfaRequired: true, methods: ['passkey', 'recovery-code'] });
    const { mfaToken } = json;
    const options = await optionsOf('/login/mfa/passkey-options', { mfaToken });
    expect(options.allowCredentials).toHaveLength(1);
    const credential = await browser.use(options);
    const body = { mfaToken, method: 'passkey', credential };
    const answer = await app.post(`${base}/login/mfa`, body);
    expect(answer.status).toBe(200);
    expect(answer.json.user.id).toBe(ada.id);
    expect(outcome(await app.post(`${base}/login/mfa`, body))).toEqual([401, 'MFA_TOKEN_INVALID']);
  });

  it('steps a session up', async () => {
    await makePasskey();
    const change = () =>
      app.patch(`${base}/me`, { email: `b.${ada.email}`, password: ada.password }, { token });
    expect(outcome(await change())).toEqual([403, 'STEP_UP_REQUIRED']);
    const credential = await browser.use(await optionsOf('/step-up/passkey-options', undefined, token));
    expect((await app.post(`${base}/step-up`, { method: 'passkey', credential }, { token })).status).toBe(
      200,
    );
    expect((await change()).status).toBe(202);
  });

  it('is removed after a step-up, and then opens nothing', async () => {
    const { id } = (await makePasskey()).json.passkey;
    const remove = () => app.delete(`${base}/passkeys/${id}`, { token });
    expect(outcome(await remove())).toEqual([403, 'STEP_UP_REQUIRED']);
    const credential = await browser.use(await optionsOf('/step-up/passkey-options', undefined, token));
    await app.post(`${base}/step-up`, { method: 'passkey', credential }, { token });
    expect((await remove()).status).toBe(204);
    expect(outcome(await signInAlone())).toEqual([401, 'PASSKEY_INVALID']);
    expect((await app.login(ada.username, ada.password)).json.accessToken).toBeDefined();
    expect(await app.rows('select 1 from auth.recovery_codes where user_id = $1', [ada.id])).toEqual([]);
  });

  it('of somebody else cannot be seen, named or removed', async () => {
    const { id } = (await makePasskey()).json.passkey;
    const other = { token: await app.tokenOf(await app.person()) };
    expect((await app.get(`${base}/passkeys`, other)).json.items).toEqual([]);
    expect((await app.patch(`${base}/passkeys/${id}`, { name: 'mine' }, other)).status).toBe(404);
    expect((await app.delete(`${base}/passkeys/${id}`, other)).status).toBe(404);
  });
});

describe('what is refused', () => {
  it('a proof that is shown again; that is counted', async () => {
    await makePasskey();
    const credential = await browser.use(await loginOptions());
    const before = await app.refusedSignIns();
    expect((await login(credential)).status).toBe(200);
    expect(await app.refusedSignIns()).toBe(before);
    expect(outcome(await login(credential))).toEqual([401, 'PASSKEY_INVALID']);
    expect(await app.refusedSignIns()).toBe(before + 1);
  });

  it('a proof that comes after five minutes', async () => {
    await makePasskey();
    const credential = await browser.use(await loginOptions());
    await app.rows(`update auth.pending_proofs set expires_at = now() where kind = 'passkey-sign-in'`);
    expect(outcome(await login(credential))).toEqual([401, 'PASSKEY_INVALID']);
  });

  it('a challenge of something else', async () => {
    await makePasskey();
    const stepUp = await browser.use(await optionsOf('/step-up/passkey-options', undefined, token));
    expect(outcome(await login(stepUp))).toEqual([401, 'PASSKEY_INVALID']);
    const signIn = await browser.use(await loginOptions());
    const answer = await app.post(`${base}/step-up`, { method: 'passkey', credential: signIn }, { token });
    expect(outcome(answer)).toEqual([401, 'SECOND_FACTOR_WRONG']);
  });

  it('a challenge of our own that nobody was given', async () => {
    await makePasskey();
    const options = { ...(await loginOptions()), challenge: 'A'.repeat(43) };
    expect(outcome(await login(await browser.use(options)))).toEqual([401, 'PASSKEY_INVALID']);
  });

  it('a page of another origin', async () => {
    await makePasskey();
    const options = await loginOptions();
    await browser.visit(`https://evil.${relyingParty}`);
    expect(outcome(await login(await browser.use(options)))).toEqual([401, 'PASSKEY_INVALID']);
  });

  it('a device that has not asked for its owner', async () => {
    await makePasskey();
    await browser.verifyUser(false);
    const options = { ...(await loginOptions()), userVerification: 'discouraged' };
    expect(outcome(await login(await browser.use(options)))).toEqual([401, 'PASSKEY_INVALID']);
  });

  it('a signature that was changed, or another person’s passkey', async () => {
    await makePasskey();
    const credential = await browser.use(await loginOptions());
    const { signature } = credential.response;
    const changed = { ...credential.response, signature: `${signature.slice(0, -8)}AAAAAAAA` };
    expect(outcome(await login({ ...credential, response: changed }))).toEqual([401, 'PASSKEY_INVALID']);
    const other = await browser.use(await loginOptions());
    const renamed = { ...other.response, userHandle: Buffer.alloc(16, 1).toString('base64url') };
    expect(outcome(await login({ ...other, response: renamed }))).toEqual([401, 'PASSKEY_INVALID']);
  });

  it('a passkey that is kept already, or was asked for by somebody else', async () => {
    const credential = await browser.create(await begin());
    const other = await app.tokenOf(await app.person());
    const body = { name: 'Laptop', credential };
    expect(outcome(await app.post(`${base}/passkeys`, body, { token: other }))).toEqual([
      400,
      'PASSKEY_REFUSED',
    ]);
    expect(outcome(await app.post(`${base}/passkeys`, body, { token }))).toEqual([400, 'PASSKEY_REFUSED']);
  });

  it('a copy of a passkey; its owner is told', async () => {
    ada = await app.verifiedPerson();
    token = await app.tokenOf(ada);
    await makePasskey();
    for (let i = 0; i < 3; i += 1) expect((await signInAlone()).status).toBe(200);
    await browser.countAnew();
    expect(outcome(await signInAlone())).toEqual([401, 'PASSKEY_INVALID']);
    expect(await audited('passkey.suspected')).toEqual([{ result: 'refused' }]);
    await app.until(
      () => app.mailbox.to(ada.email).some(({ text }) => text.includes('copy of one of your passkeys')),
      'a mail about the copy',
    );
  });
});

it('asks everybody the same, and nobody’s passkeys are told', async () => {
  const options = await loginOptions();
  expect(options).toMatchObject({ rpId: relyingParty, userVerification: 'required' });
  expect(options.allowCredentials ?? []).toEqual([]);
});
