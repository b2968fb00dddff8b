import { randomUUID } from 'node:crypto';
import { authRoutes, type RouteContract } from '@rostrum/contracts';
import { AuthApp, newDetails, type Answer, type Person } from './auth-app';

const base = '/api/v1/auth';
let app: AuthApp;

beforeAll(async () => {
  app = await AuthApp.start();
});
afterAll(() => app.stop());

const withKey = (key: string) => ({ 'idempotency-key': key });
const isReplay = ({ headers }: Answer) => headers.get('idempotency-replayed') === 'true';
/** What an answer has of its own: all but what every answer is given anew. */
const partsOf = ({ status, headers, text }: Answer) => [status, text, headers.get('etag')];
const codeOf = ({ status, json }: Answer) => [status, json?.code];
const countOf = async (sql: string, values: unknown[]) =>
  Number((await app.rows<{ count: string }>(`select count(*) as count from auth.${sql}`, values))[0]?.count);

async function expectOnce(ask: () => Promise<Answer>): Promise<Answer> {
  const [first, second] = [await ask(), await ask()];
  expect(first.status).toBeLessThan(300);
  expect(partsOf(second)).toEqual(partsOf(first));
  expect([isReplay(first), isReplay(second)]).toEqual([false, true]);
  return first;
}

describe('signing up', () => {
  const register = (details: object, key: string) => app.register(details, { headers: withKey(key) });

  it('is done once, and answered the same', async () => {
    const details = newDetails();
    const key = randomUUID();
    const { json } = await expectOnce(() => register(details, key));
    expect(await countOf('mail_jobs where user_id = $1', [json.user.id])).toBe(1);
    expect(codeOf(await register(details, randomUUID()))).toEqual([409, 'USERNAME_TAKEN']);
  });

  it('is done once by twenty at the same time', async () => {
    const details = newDetails();
    const key = randomUUID();
    const answers = await Promise.all(Array.from({ length: 20 }, () => register(details, key)));
    const made = answers.filter(({ status }) => status === 201);
    expect(made.filter((answer) => !isReplay(answer))).toHaveLength(1);
    expect(new Set(made.map(({ text }) => text)).size).toBe(1);
    for (const answer of answers.filter(({ status }) => status !== 201))
      expect(codeOf(answer)).toEqual([409, 'IDEMPOTENCY_KEY_IN_FLIGHT']);
  });

  it('of somebody else with the same key is another sign-up, and tells nothing of this one', async () => {
    const key = randomUUID();
    const [ada, eve] = [newDetails(), newDetails()];
    expect((await register(ada, key)).status).toBe(201);
    const other = await register(eve, key);
    expect([other.status, isReplay(other), other.json.user.username]).toEqual([201, false, eve.username]);
    const guess = await register({ ...ada, password: `${ada.password}!` }, key);
    expect(codeOf(guess)).toEqual([409, 'USERNAME_TAKEN']);
  });

  it('keeps neither the address nor anything that a password could be tried against', async () => {
    const details = newDetails();
    const key = randomUUID();
    await register(details, key);
    const [row] = await app.rows<{ body: string; fingerprint: Buffer; user_id: string }>(
      'select body, fingerprint, user_id from auth.idempotency_keys where key = $1',
      [key],
    );
    const kept = [row?.body, Buffer.from(row?.body ?? '', 'base64').toString('latin1')].join();
    expect(kept).not.toContain(details.email);
    expect(kept).not.toContain(details.username);
    // Moved to another place, it is not opened there.
    await app.rows(`update auth.idempotency_keys set key = $2 where key = $1`, [key, `${key}-moved`]);
    expect(codeOf(await register(details, `${key}-moved`))).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
  });
});

describe('somebody signed in', () => {
  let ada: Person;
  let token: string;

  beforeEach(async () => {
    ada = await app.person();
    token = await app.tokenOf(ada);
  });

  it('changes their address once', async () => {
    const body = { email: newDetails().email, password: ada.password };
    const question = { token, headers: withKey(randomUUID()) };
    await expectOnce(() => app.patch(`${base}/me`, body, question));
    expect(await countOf(`mail_jobs where user_id = $1 and kind = 'change-email'`, [ada.id])).toBe(1);
    const other = await app.patch(`${base}/me`, { ...body, email: newDetails().email }, question);
    expect(codeOf(other)).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
  });

  it('is sent one more mail, not two', async () => {
    const question = { token, headers: withKey(randomUUID()) };
    await expectOnce(() => app.post(`${base}/email/verify/resend`, undefined, question));
    expect(await countOf('mail_jobs where user_id = $1', [ada.id])).toBe(2);
  });

  it('ends a session, and all others, and is told the same when they ask again', async () => {
    await app.signIn(ada);
    const { json } = await app.get(`${base}/sessions`, { token });
    const { id } = json.items.find(({ current }: { current: boolean }) => !current);
    await expectOnce(() =>
      app.delete(`${base}/sessions/${id}`, { token, headers: withKey('the-same-for-both') }),
    );
    expect((await app.delete(`${base}/sessions/${id}`, { token })).status).toBe(404);

    await app.signIn(ada);
    const others = () =>
      app.delete(`${base}/sessions?except=current`, { token, headers: withKey('the-same-for-both') });
    expect((await expectOnce(others)).json).toEqual({ ended: 1 });
  });

  it('finds no key of anybody else', async () => {
    const headers = withKey('with spaces');
    const malformed = await app.post(`${base}/email/verify/resend`, undefined, { token, headers });
    expect(codeOf(malformed)).toEqual([400, 'VALIDATION_FAILED']);
    const question = { headers: withKey('1') };
    await app.post(`${base}/email/verify/resend`, undefined, { ...question, token });
    const theirs = { ...question, token: await app.tokenOf(await app.person()) };
    expect(isReplay(await app.post(`${base}/email/verify/resend`, undefined, theirs))).toBe(false);
  });

  it('a refusal keeps nothing', async () => {
    const question = { token, headers: withKey(randomUUID()) };
    const missing = `${base}/sessions/${randomUUID()}`;
    expect((await app.delete(missing, question)).status).toBe(404);
    expect(await countOf('idempotency_keys where user_id = $1', [ada.id])).toBe(0);
  });
});

it('an admin does a thing once, and it is in the audit log once', async () => {
  const [root, eve] = [await app.person(), await app.person()];
  await app.rows(`update auth.users set roles = '{user,admin}' where id = $1`, [root.id]);
  const token = await app.tokenOf(root);
  const user = `${base}/admin/users/${eve.id}`;
  const question = () => ({ token, headers: withKey(randomUUID()) });
  const [suspend, restore, grant, take, end] = Array.from({ length: 5 }, question);
  await app.signIn(eve);
  expect((await expectOnce(() => app.delete(`${user}/sessions`, end))).json).toEqual({ ended: 1 });
  const { json } = await expectOnce(() => app.post(`${user}/suspend`, { reason: 'spam' }, suspend));
  expect(json).toMatchObject({ email: eve.email, suspendedAt: expect.any(String) });
  await expectOnce(() => app.post(`${user}/restore`, undefined, restore));
  await expectOnce(() => app.put(`${user}/roles/moderator`, grant));
  await expectOnce(() => app.delete(`${user}/roles/moderator`, take));
  const rows = await app.rows<{ action: string }>(
    `select action from auth.audit_events where subject_id = $1 and actor_id = $2 order by occurred_at, seq`,
    [eve.id, root.id],
  );
  expect(rows.map(({ action }) => action)).toEqual([
    'session.ended',
    'user.sessions-ended',
    'user.suspended',
    'user.restored',
    'role.granted',
    'role.taken',
  ]);
});

it('an operator rotates and revokes keys once, whatever answer was lost', async () => {
  const root = await app.person();
  await app.rows(`update auth.users set roles = '{user,admin}' where id = $1`, [root.id]);
  const keys = `${base}/admin/keys`;
  const ask = async (path: string, body?: object) => {
    const question = { token: await app.tokenOf(root), headers: withKey(randomUUID()) };
    return expectOnce(() => app.post(`${keys}/${path}`, body, question));
  };
  const before = await countOf('signing_keys', []);
  const { json } = await ask('rotate');
  expect(await countOf('signing_keys', [])).toBe(before + 1);
  await ask(`${json.kid}/revoke`, { reason: 'leaked' });
  const noted = await app.rows<{ action: string; result: string }>(
    `select action, result from auth.audit_events where actor_id = $1 and action like 'signing_key.%'
      order by occurred_at, seq`,
    [root.id],
  );
  expect(noted.map(({ action, result }) => `${action} ${result}`)).toEqual([
    'signing_key.rotated succeeded',
    'signing_key.revoked succeeded',
  ]);
});

it('no answer with a secret in it is kept', () => {
  const secrets = /token|recoveryCodes|secret|csrf/i;
  const routes: readonly RouteContract[] = authRoutes;
  const telling = routes.filter(({ responses, method }) => {
    const schemas = Object.values(responses).map(
      ({ schema }) => JSON.stringify(schema?.toJSONSchema()) ?? '',
    );
    return method !== 'get' && schemas.some((text) => secrets.test(text));
  });
  expect(telling.map(({ operationId }) => operationId)).toEqual(
    expect.arrayContaining(['login', 'refresh', 'loginMfa', 'enrolTotp', 'createPasskey', 'loginOidc']),
  );
  expect(telling.filter(({ idempotent }) => idempotent)).toEqual([]);
});
