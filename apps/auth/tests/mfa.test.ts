import { decodeJwt } from 'jose';
import { AuthApp, type Person } from './auth-app';
import { challengeOf, codeOf, withTotp, type Guarded } from './totp-app';

let app: AuthApp;
let ada: Guarded;

const answer = (mfaToken: string, code: string, method = 'totp') =>
  app.post('/api/v1/auth/login/mfa', { mfaToken, method, code });
const outcome = ({ status, json }: { status: number; json: { code?: string } }) => [status, json?.code];
const audited = (action: string, userId: string) =>
  app.rows<{ result: string; details: unknown }>(
    `select result, body::jsonb -> 'details' as details from auth.audit_events
      where action = $1 and subject_id = $2 order by occurred_at, seq`,
    [action, userId],
  );

beforeAll(async () => {
  // Whoever is slowed down still is when a busy machine comes to ask.
  app = await AuthApp.start({
    settings: { LOGIN_FIRST_DELAY_MS: '600000', LOGIN_LONGEST_DELAY_MS: '600000' },
  });
});
afterAll(() => app.stop());

describe('enrolling an authenticator app', () => {
  it('counts from the first code on, and tells recovery codes once', async () => {
    const person = await app.person();
    const token = await app.tokenOf(person);
    const { password } = person;
    const begun = await app.post('/api/v1/auth/mfa/totp', { password }, { token });
    expect(begun.json.uri).toMatch(/^otpauth:\/\/totp\/Rostrum:.*secret=/);
    expect((await app.login(person.username, password)).json.accessToken).toBeDefined();
    const wrong = await app.post(
      '/api/v1/auth/mfa/totp/confirm',
      { code: codeOf(begun.json.secret, 40) },
      { token },
    );
    expect(outcome(wrong)).toEqual([401, 'SECOND_FACTOR_WRONG']);
    const code = codeOf(begun.json.secret);
    const { json, status } = await app.post('/api/v1/auth/mfa/totp/confirm', { code }, { token });
    expect(status).toBe(200);
    expect(new Set(json.recoveryCodes).size).toBe(10);
    expect((await app.login(person.username, password)).json).toEqual({
      mfaRequired: true,
      mfaToken: expect.stringMatching(/^[\w-]{43}$/),
      methods: ['totp', 'recovery-code'],
    });
    const status2 = await app.get('/api/v1/auth/mfa', { token });
    expect(status2.json).toEqual({ methods: ['totp', 'recovery-code'], recoveryCodesLeft: 10 });
    expect(await audited('totp.enrolled', person.id)).toMatchObject([{ result: 'succeeded' }]);
  });

  it('takes the password, and is done once', async () => {
    ada = await withTotp(app, await app.person());
    const { token, person } = ada;
    const wrong = await app.post('/api/v1/auth/mfa/totp', { password: 'wrong horse' }, { token });
    expect(wrong.status).toBe(403);
    await app.post('/api/v1/auth/step-up', { method: 'totp', code: codeOf(ada.secret) }, { token });
    const again = await app.post('/api/v1/auth/mfa/totp', { password: person.password }, { token });
    expect(outcome(again)).toEqual([409, 'TOTP_ENROLLED']);
  });

  it('keeps nothing in clear', async () => {
    const { secret, recoveryCodes, person } = await withTotp(app, await app.person());
    const rows = await app.rows(
      `select t::text as text from auth.totp_secrets as t where user_id = $1
       union all select r::text from auth.recovery_codes as r where user_id = $1`,
      [person.id],
    );
    const kept = JSON.stringify(rows) + app.log.text();
    expect(rows).toHaveLength(11);
    for (const each of [secret, ...recoveryCodes]) {
      expect(kept).not.toContain(each);
      expect(kept).not.toContain(Buffer.from(each).toString('hex'));
    }
  });
});

describe('signing in with a second factor', () => {
  beforeEach(async () => {
    ada = await withTotp(app, await app.person());
  });

  it('ends in the same answer as without, and the session says how', async () => {
    const { status, json } = await answer(await challengeOf(app, ada), codeOf(ada.secret));
    expect(status).toBe(200);
    expect(json).toMatchObject({ tokenType: 'Bearer', user: { id: ada.person.id } });
    const { sid } = decodeJwt(json.accessToken);
    expect(await app.rows('select methods from auth.sessions where id = $1', [sid])).toEqual([
      { methods: ['pwd', 'otp', 'mfa'] },
    ]);
    expect(await audited('second_factor.shown', ada.person.id)).toMatchObject([
      { result: 'succeeded', details: { method: 'totp', purpose: 'sign-in' } },
    ]);
  });

  it('sets cookies where it was begun so', async () => {
    const { headers, json } = await answer(await challengeOf(app, ada, '?mode=cookie'), codeOf(ada.secret));
    expect(json.accessToken).toBeUndefined();
    expect(headers.getSetCookie().some((each) => /^__Host-.*HttpOnly/.test(each))).toBe(true);
  });

  it('takes a code once, also of two at the same time', async () => {
    const tokens = await Promise.all([challengeOf(app, ada), challengeOf(app, ada)]);
    const code = codeOf(ada.secret);
    const answers = await Promise.all(tokens.map((token) => answer(token, code)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401]);
    expect(outcome(await answer(await challengeOf(app, ada), code))).toEqual([401, 'SECOND_FACTOR_WRONG']);
  });

  it('takes a question once, also of two who have different codes', async () => {
    const token = await challengeOf(app, ada);
    const answers = await Promise.all([
      answer(token, codeOf(ada.secret)),
      answer(token, ada.recoveryCodes[0] ?? '', 'recovery-code'),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401]);
    expect(outcome(await answer(token, codeOf(ada.secret, 1)))).toEqual([401, 'MFA_TOKEN_INVALID']);
  });

  it('goes one half-minute either way, and no further', async () => {
    expect((await answer(await challengeOf(app, ada), codeOf(ada.secret, 1))).status).toBe(200);
    const bob = await withTotp(app, await app.person());
    expect((await answer(await challengeOf(app, bob), codeOf(bob.secret, 3))).status).toBe(401);
    expect((await answer(await challengeOf(app, bob), codeOf(bob.secret, -3))).status).toBe(401);
  });

  it('takes a recovery code in place of the app, once, and tells its owner', async () => {
    await app.startWorker();
    const person = await app.verifiedPerson();
    const { recoveryCodes } = await withTotp(app, person);
    const typed = ` ${(recoveryCodes[3] ?? '').toUpperCase()}`;
    expect((await answer(await challengeOf(app, { person }), typed, 'recovery-code')).status).toBe(200);
    const again = await answer(await challengeOf(app, { person }), typed, 'recovery-code');
    expect(outcome(again)).toEqual([401, 'SECOND_FACTOR_WRONG']);
    const changed = () => app.mailbox.to(person.email).filter(({ subject }) => /sign in with/.test(subject));
    await app.until(() => changed().length === 2, 'two mails');
    expect(changed().some(({ text }) => text.includes('recovery code has been used'))).toBe(true);
    expect(await audited('second_factor.shown', person.id)).toMatchObject([
      { result: 'succeeded', details: { method: 'recovery-code' } },
      { result: 'refused' },
    ]);
  });

  it('slows down who guesses, from wherever, and forgets it with a right code', async () => {
    const token = await challengeOf(app, ada);
    for (let i = 0; i < 5; i += 1) expect((await answer(token, '000000')).status).toBe(401);
    expect(outcome(await answer(token, codeOf(ada.secret)))).toEqual([429, 'TOO_MANY_ATTEMPTS']);
  });

  it('starts no session when the password has changed since', async () => {
    const token = await challengeOf(app, ada);
    await app.rows('update auth.users set credentials_version = credentials_version + 1 where id = $1', [
      ada.person.id,
    ]);
    expect((await answer(token, codeOf(ada.secret))).status).toBe(401);
  });

  it('is over after five minutes', async () => {
    const token = await challengeOf(app, ada);
    const due = await app.rows<{ seconds: number }>(
      `update auth.pending_proofs set expires_at = now() where user_id = $1
       returning (extract(epoch from old.expires_at - now()))::float8 as seconds`,
      [ada.person.id],
    );
    expect(due[0]?.seconds).toBeGreaterThan(200);
    expect(due[0]?.seconds).toBeLessThanOrEqual(300);
    expect(outcome(await answer(token, codeOf(ada.secret)))).toEqual([401, 'MFA_TOKEN_INVALID']);
  });

  it('has a token that is good for nothing else', async () => {
    const token = await challengeOf(app, ada);
    expect((await app.get('/api/v1/auth/me', { token })).status).toBe(401);
    expect((await app.refresh(token)).status).toBe(401);
    expect((await app.post('/api/v1/auth/email/verify', { token })).status).toBe(400);
    expect(outcome(await answer(ada.token, codeOf(ada.secret)))).toEqual([400, 'VALIDATION_FAILED']);
  });

  it('does not take the code of somebody else, and counts that', async () => {
    const before = await app.refusedSignIns();
    const bob = await withTotp(app, await app.person());
    expect((await answer(await challengeOf(app, ada), codeOf(bob.secret))).status).toBe(401);
    const [theirs = ''] = bob.recoveryCodes;
    expect((await answer(await challengeOf(app, ada), theirs, 'recovery-code')).status).toBe(401);
    expect(await app.refusedSignIns()).toBe(before + 2);
    await app.post('/api/v1/auth/step-up', { method: 'totp', code: '000000' }, { token: ada.token });
    expect(await app.refusedSignIns()).toBe(before + 2);
  });
});

describe('changing second factors', () => {
  let token: string;
  let person: Person;

  beforeEach(async () => {
    ada = await withTotp(app, await app.person());
    ({ token, person } = ada);
  });

  it('takes a code', async () => {
    const body = { method: 'totp', code: codeOf(ada.secret) };
    expect((await app.post('/api/v1/auth/mfa/totp/disable', body, { token })).status).toBe(204);
    expect((await app.login(person.username, person.password)).json.accessToken).toBeDefined();
    expect(await app.rows('select 1 from auth.recovery_codes where user_id = $1', [person.id])).toEqual([]);
    expect(await audited('totp.removed', person.id)).toHaveLength(1);
  });

  it('takes more than the password', async () => {
    const { password } = person;
    const disable = () => app.post('/api/v1/auth/mfa/totp/disable', { password }, { token });
    expect(outcome(await disable())).toEqual([403, 'STEP_UP_REQUIRED']);
    await app.post('/api/v1/auth/step-up', { method: 'totp', code: codeOf(ada.secret) }, { token });
    expect((await disable()).status).toBe(204);
  });

  it('makes new recovery codes, and voids the others', async () => {
    const body = { method: 'totp', code: codeOf(ada.secret) };
    const { json } = await app.post('/api/v1/auth/mfa/recovery-codes', body, { token });
    expect(json.recoveryCodes).toHaveLength(10);
    const [old = ''] = ada.recoveryCodes;
    const challenge = await challengeOf(app, ada);
    expect((await answer(challenge, old, 'recovery-code')).status).toBe(401);
    expect((await answer(challenge, json.recoveryCodes[9], 'recovery-code')).status).toBe(200);
  });
});
