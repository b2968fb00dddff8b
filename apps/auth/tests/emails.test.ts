import { AuthApp, newDetails, type Person } from './auth-app';

let app: AuthApp;

beforeAll(async () => {
  app = await AuthApp.start();
  await app.startWorker();
});
afterAll(() => app.stop());

const me = async (token: string) => (await app.get('/api/v1/auth/me', { token })).json;
const verify = (token: unknown) => app.post('/api/v1/auth/email/verify', { token });
const resend = (token: string) => app.post('/api/v1/auth/email/verify/resend', undefined, { token });
const mailsTo = (email: string, subject: RegExp) =>
  app.mailbox.to(email).filter((mail) => subject.test(mail.subject));
const verifying = /Is this your address/;

/** All mail that has been asked for is out, or dropped. */
const allMailDone = () =>
  app.until(
    async () => (await app.rows('select 1 from auth.mail_jobs where done_at is null')).length === 0,
    'all mail to be done',
  );

describe('an address', () => {
  it('is verified with the token of the mail that registration sends', async () => {
    const ada = await app.person();
    const { accessToken } = await app.signIn(ada);
    expect(await me(accessToken)).toMatchObject({ email: ada.email, emailVerified: false });
    const mail = await app.mailbox.waitFor(ada.email, verifying);
    expect(mail).toMatchObject({ from: 'no-reply@rostrum.test', to: ada.email });
    expect(mail.text).toContain(`@${ada.username}`);
    expect(mail.text).toContain(`https://rostrum.test/verify-email#token=${mail.token}`);
    expect((await verify(mail.token)).status).toBe(204);
    expect(await me(accessToken)).toMatchObject({ emailVerified: true });
    const again = await verify(mail.token);
    expect([again.status, again.json.code]).toEqual([400, 'INVALID_TOKEN']);
  });

  it('has its mail sent again, a few times an hour and not once it is verified', async () => {
    const ada = await app.person();
    const { accessToken } = await app.signIn(ada);
    for (let i = 0; i < 8; i += 1) expect((await resend(accessToken)).status).toBe(202);
    await allMailDone();
    expect(mailsTo(ada.email, verifying)).toHaveLength(5);
    expect((await verify(mailsTo(ada.email, verifying)[2]?.token)).status).toBe(204);
    await app.rows(`update auth.mail_jobs set created_at = now() - interval '2 hours' where user_id = $1`, [
      ada.id,
    ]);
    expect((await resend(accessToken)).status).toBe(202);
    await allMailDone();
    expect(mailsTo(ada.email, verifying)).toHaveLength(5);
  });

  it('that somebody else has verified cannot be claimed: its owner is told, the other is not', async () => {
    const owner = await app.verifiedPerson();
    const claim = await app.person({ email: owner.email });
    const mail = await app.mailbox.waitFor(owner.email, /already have an account/);
    expect(mail.text).toContain(`@${owner.username}`);
    expect(mail.text).toContain(`@${claim.username}`);
    expect(mail.token).toBeUndefined();
    const { accessToken } = await app.signIn(claim);
    expect((await resend(accessToken)).status).toBe(202);
    await allMailDone();
    expect(mailsTo(owner.email, verifying)).toHaveLength(1);
    expect(await me(accessToken)).toMatchObject({ email: owner.email, emailVerified: false });
  });

  it('that two claim goes to whoever verifies it first', async () => {
    const first = await app.person();
    const second = await app.person({ email: first.email });
    await app.until(() => mailsTo(first.email, verifying).length === 2, 'two mails');
    const tokenOf = ({ username }: Person) =>
      mailsTo(first.email, verifying).find(({ text }) => text.includes(`@${username} `))?.token;
    const answers = await Promise.all([verify(tokenOf(second)), verify(tokenOf(first))]);
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 409]);
    expect(answers.find(({ status }) => status === 409)?.json.code).toBe('EMAIL_TAKEN');
    expect(
      await app.rows(
        'select username from auth.users where username = any($1) and email_verified_at is not null',
        [[first.username, second.username]],
      ),
    ).toHaveLength(1);
  });

  it('is filled with no more mail than a few an hour by strangers who claim it', async () => {
    const owner = await app.verifiedPerson();
    for (let i = 0; i < 8; i += 1) await app.person({ email: owner.email });
    await allMailDone();
    expect(mailsTo(owner.email, /already have an account/).length).toBeLessThanOrEqual(5);
  });
});

describe('a new address', () => {
  const change = (token: string, body: object, headers: Record<string, string> = {}) =>
    app.patch('/api/v1/auth/me', body, { token, headers });

  it('counts once it is verified; the old one is told', async () => {
    const ada = await app.verifiedPerson();
    const { accessToken } = await app.signIn(ada);
    const { email } = newDetails();
    const answer = await change(accessToken, { email: email.toUpperCase(), password: ada.password });
    expect([answer.status, answer.json.email]).toEqual([202, ada.email]);
    expect(answer.headers.get('etag')).toMatch(/^"1\.\d+"$/);
    const mail = await app.mailbox.waitFor(email, /new address/);
    expect(await me(accessToken)).toMatchObject({ email: ada.email });
    expect((await app.login(email, ada.password)).status).toBe(401);

    expect((await verify(mail.token)).status).toBe(204);
    expect(await me(accessToken)).toMatchObject({ email, emailVerified: true });
    expect((await app.login(email, ada.password)).status).toBe(200);
    expect((await app.login(ada.email, ada.password)).status).toBe(401);
    await app.mailbox.waitFor(ada.email, /another address now/);
    expect((await verify(mail.token)).json.code).toBe('INVALID_TOKEN');
    const rows = await app.rows('select * from auth.mail_jobs where to_sealed is not null');
    expect(rows).toEqual([]);
  });

  it('replaces one that was asked for before', async () => {
    const ada = await app.verifiedPerson();
    const { accessToken } = await app.signIn(ada);
    const [first, second] = [newDetails().email, newDetails().email];
    await change(accessToken, { email: first, password: ada.password });
    const early = await app.mailbox.waitFor(first, /new address/);
    await change(accessToken, { email: second, password: ada.password });
    const late = await app.mailbox.waitFor(second, /new address/);
    expect((await verify(early.token)).json.code).toBe('INVALID_TOKEN');
    expect((await verify(late.token)).status).toBe(204);
    expect(await me(accessToken)).toMatchObject({ email: second });
  });

  it('that is somebody’s is answered as any other, and never becomes theirs', async () => {
    const [ada, owner] = [await app.verifiedPerson(), await app.verifiedPerson()];
    const { accessToken } = await app.signIn(ada);
    const free = await change(accessToken, { email: newDetails().email, password: ada.password });
    const taken = await change(accessToken, { email: owner.email, password: ada.password });
    expect([taken.status, taken.json]).toEqual([free.status, free.json]);
    await app.mailbox.waitFor(owner.email, /already have an account/);
    expect(mailsTo(owner.email, /new address/)).toEqual([]);
  });

  it.each<[string, object, number, string]>([
    ['a wrong password', { password: 'wrong horse' }, 403, 'PASSWORD_WRONG'],
    ['no password', { password: undefined }, 400, 'VALIDATION_FAILED'],
    ['no address', { email: 'nowhere' }, 400, 'VALIDATION_FAILED'],
    ['a role with it', { roles: ['admin'] }, 400, 'VALIDATION_FAILED'],
    ['a username with it', { username: 'somebody' }, 400, 'VALIDATION_FAILED'],
  ])('with %s is refused', async (_, wrong, status, code) => {
    const ada = await app.person();
    const { accessToken } = await app.signIn(ada);
    const answer = await change(accessToken, { email: newDetails().email, password: ada.password, ...wrong });
    expect([answer.status, answer.json.code]).toEqual([status, code]);
  });

  it('is refused where the account is no longer what the client has read', async () => {
    const ada = await app.person();
    const { accessToken } = await app.signIn(ada);
    const body = () => ({ email: newDetails().email, password: ada.password });
    const read = await app.get('/api/v1/auth/me', { token: accessToken });
    const etag = String(read.headers.get('etag'));
    expect((await change(accessToken, body(), { 'if-match': etag })).status).toBe(202);
    const stale = await change(accessToken, body(), { 'if-match': etag });
    expect([stale.status, stale.json.code]).toEqual([412, 'PRECONDITION_FAILED']);
    expect((await change(accessToken, body(), { 'if-match': '*' })).status).toBe(202);
  });
});

describe('one’s own account', () => {
  it('is not sent again while it is as the client has it', async () => {
    const ada = await app.person();
    const { accessToken: token } = await app.signIn(ada);
    const etag = String((await app.get('/api/v1/auth/me', { token })).headers.get('etag'));
    const same = await app.get('/api/v1/auth/me', { token, headers: { 'if-none-match': etag } });
    expect([same.status, same.text, same.headers.get('etag')]).toEqual([304, '', etag]);
    const { token: mailed } = await app.mailbox.waitFor(ada.email, verifying);
    await verify(mailed);
    const changed = await app.get('/api/v1/auth/me', { token, headers: { 'if-none-match': etag } });
    expect([changed.status, changed.json.emailVerified]).toEqual([200, true]);
  });

  it('stands in the cache sealed', async () => {
    const ada = await app.person();
    const { accessToken } = await app.signIn(ada);
    await me(accessToken);
    await app.until(async () => (await app.redis.keys(`*${ada.id}*`)).length > 0, 'the account in the cache');
    for (const key of await app.redis.keys('*')) {
      if ((await app.redis.type(key)) !== 'string') continue;
      expect((await app.redis.getBuffer(key))?.toString('latin1')).not.toContain('@example.com');
    }
  });
});

it('addresses in clear, from before they were sealed, are found and then sealed', async () => {
  const ada = await app.verifiedPerson();
  const [row] = await app.rows<{ sealed: Buffer }>(
    'select email_sealed as sealed from auth.users where id = $1',
    [ada.id],
  );
  expect(row?.sealed.length).toBeGreaterThan(20);
  await app.rows(
    `update auth.users set email = $2, email_sealed = null, email_index = null, email_verified_at = null where id = $1`,
    [ada.id, ada.email],
  );
  const { json } = await app.login(ada.email.toUpperCase(), ada.password);
  expect(json.user).toMatchObject({ id: ada.id, email: ada.email });
  await app.startWorker();
  await app.until(
    async () => (await app.rows('select 1 from auth.users where email is not null')).length === 0,
    'the address to be sealed',
  );
  expect((await app.login(ada.email, ada.password)).json.user).toMatchObject({
    id: ada.id,
    email: ada.email,
  });
});
