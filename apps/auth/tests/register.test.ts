import { account } from '@rostrum/contracts';
import { AuthApp, newDetails, tellingHeaders, type Details, type Person } from './auth-app';

let app: AuthApp;

beforeAll(async () => {
  app = await AuthApp.start();
});
afterAll(() => app.stop());

const counts = async () =>
  (
    await app.rows(
      `select (select count(*)::int from auth.users) as users, (select count(*)::int from auth.passwords) as passwords,
              (select count(*)::int from auth.outbox) as events, (select count(*)::int from auth.mail_jobs) as mails`,
    )
  )[0];

describe('registration', () => {
  it('makes an account, and answers it without anything secret', async () => {
    const details = newDetails();
    const { status, headers, json } = await app.register(details);
    expect(status).toBe(201);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(account.strict().parse(json.user)).toMatchObject({
      email: details.email,
      username: details.username,
    });
    const [row, ...others] = await app.rows(
      'select * from auth.users join auth.passwords on user_id = id where id = $1',
      [json.user.id],
    );
    expect(others).toEqual([]);
    expect(row).toMatchObject({
      username: details.username,
      roles: ['user'],
      hash: expect.stringMatching(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/),
      pepper: '1',
      email: null,
      email_verified_at: null,
    });
  });

  it('keeps an email sealed, whatever its case', async () => {
    const { id } = await app.person({ email: 'Grace.Hopper@Example.COM' });
    const rows = await app.rows('select * from auth.users where id = $1', [id]);
    expect(JSON.stringify(rows)).not.toMatch(/hopper/i);
    expect(
      Buffer.concat(Object.values(rows[0] ?? {}).filter(Buffer.isBuffer)).toString('latin1'),
    ).not.toMatch(/hopper/i);
    const { status, json } = await app.login('GRACE.hopper@example.com', 'wrong');
    expect([status, json.code]).toEqual([401, 'INVALID_CREDENTIALS']);
  });

  it('says to others that it has happened, in the same transaction', async () => {
    const { id, username } = await app.person();
    expect(
      await app.rows('select type, version, key, payload, traceparent from auth.outbox where key = $1', [id]),
    ).toEqual([
      {
        type: 'user.registered',
        version: 1,
        key: id,
        payload: { userId: id, username, registeredAt: expect.any(String) },
        traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/),
      },
    ]);
  });

  it('is counted, and logged with whose it was', async () => {
    const before = await app.metric('users_registered_total');
    const answer = await app.register(newDetails());
    expect(await app.metric('users_registered_total')).toBe(before + 1);
    expect(await app.linesOf(answer)).toMatchObject([
      { message: 'User registered', user_id: answer.json.user.id, endpoint: 'POST /api/v1/auth/register' },
      { status: 201, user_id: answer.json.user.id },
    ]);
  });
});

describe('a username that is there already', () => {
  let taken: Person;
  beforeAll(async () => {
    taken = await app.person();
  });

  it.each<[string, () => Partial<Details>]>([
    ['alone', () => ({ username: taken.username })],
    ['with its email', () => ({ email: taken.email, username: taken.username })],
  ])('cannot be taken again, %s, and leaves neither row nor event', async (_, same) => {
    const before = [await counts(), await app.metric('users_registered_total')];
    const { status, json, text } = await app.register({ ...newDetails(), ...same() });
    expect([status, json.code]).toEqual([409, 'USERNAME_TAKEN']);
    expect(text).not.toContain(taken.username);
    expect([await counts(), await app.metric('users_registered_total')]).toEqual(before);
  });

  it.each(['admin', 'root', 'rostrum', 'search', '_support_', 'null'])(
    'cannot be %s, which is ours',
    async (username) => {
      const { status, json } = await app.register({ ...newDetails(), username });
      expect([status, json.code]).toEqual([409, 'USERNAME_TAKEN']);
    },
  );

  it('is made once, however many ask for it at once', async () => {
    const details = newDetails();
    const answers = await Promise.all(Array.from({ length: 8 }, () => app.register(details)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(7).fill(409)]);
    expect(await app.rows('select 1 from auth.users where username = $1', [details.username])).toHaveLength(
      1,
    );
    expect(
      await app.rows(`select 1 from auth.outbox where payload->>'username' = $1`, [details.username]),
    ).toHaveLength(1);
  });
});

describe('an email that is there already', () => {
  it('makes no difference that anybody can see but its owner', async () => {
    const owner = await app.person();
    const free = newDetails();
    const claim = { ...newDetails(), email: owner.email.toUpperCase() };
    const answers = [await app.register(free), await app.register(claim)];
    const shown = answers.map((answer, index) => ({
      status: answer.status,
      headers: tellingHeaders(answer),
      user: { ...answer.json.user, id: '', createdAt: '', email: index, username: index },
    }));
    expect(shown[1]).toEqual({ ...shown[0], user: { ...shown[0]?.user, email: 1, username: 1 } });
    expect(answers[1]?.json.user).toMatchObject({ email: owner.email, emailVerified: false });

    // Whoever has claimed it can use the account, by either name; so can the owner, and neither gets the other's.
    for (const identifier of [claim.username, owner.email]) {
      const { json } = await app.login(identifier, claim.password);
      expect(json.user).toMatchObject({ username: claim.username });
    }
    const { json } = await app.login(owner.email, owner.password);
    expect(json.user).toMatchObject({ id: owner.id });
    expect((await app.login(owner.email, free.password)).status).toBe(401);
  });
});

describe('a registration that is refused', () => {
  it.each<[string, object, string]>([
    ['a role to be given', { role: 'admin' }, '/role'],
    ['roles to be given', { roles: ['admin'] }, '/roles'],
    ['an id of its own', { id: '0190b5a0-0000-7000-8000-000000000000' }, '/id'],
    ['a prototype', JSON.parse('{"__proto__":{"roles":["admin"]}}') as object, '/__proto__'],
    ['no email', { email: undefined }, '/email'],
    ['an email that is none', { email: 'ada' }, '/email'],
    ['an email with a null byte', { email: 'ada\u0000@example.com' }, '/email'],
    ['an email with a line break in it', { email: 'ada@example.com\nbcc: all@example.com' }, '/email'],
    ['an email of 300 characters', { email: `${'a'.repeat(288)}@example.com` }, '/email'],
    ['a username in capitals', { username: 'ADA' }, '/username'],
    ['a username that looks like another', { username: '\u0430da_lovelace' }, '/username'],
    ['a username with an invisible character', { username: 'ada\u200b' }, '/username'],
    ['a username in full-width letters', { username: '\uff41\uff44\uff41' }, '/username'],
    ['a username with a null byte', { username: 'ada\u0000' }, '/username'],
    ['a username with an @', { username: 'ada@example.com' }, '/username'],
    ['a username of two letters', { username: 'ad' }, '/username'],
    ['a username of 31 letters', { username: 'a'.repeat(31) }, '/username'],
    ['a username that is an object', { username: { $ne: null } }, '/username'],
    ['a short password', { password: 'seven77' }, '/password'],
    ['a password of 129 characters', { password: 'a'.repeat(129) }, '/password'],
    ['a password with a null byte', { password: 'correct\u0000horse' }, '/password'],
    ['a password with half a character', { password: 'correct horse \ud83d' }, '/password'],
  ])('has %s', async (_, change, field) => {
    const before = await counts();
    const body = Object.fromEntries([...Object.entries(newDetails()), ...Object.entries(change)]);
    const { status, json } = await app.register(body);
    expect([status, json.code]).toEqual([400, 'VALIDATION_FAILED']);
    expect(json.errors.map(({ path }: { path: string }) => path)).toEqual([field]);
    expect(await counts()).toEqual(before);
  });

  it.each([
    ['password123', 'PASSWORD_TOO_COMMON'],
    ['Ada_Lovelace_7', 'PASSWORD_TOO_PERSONAL'],
  ])('chooses %s for a password', async (password, code) => {
    const before = await counts();
    const { status, json } = await app.register({ ...newDetails(), username: 'ada_lovelace', password });
    expect([status, json.code]).toEqual([422, code]);
    expect(await counts()).toEqual(before);
  });

  it('is larger than any registration could be', async () => {
    const { status, json } = await app.register({ ...newDetails(), password: 'a'.repeat(5000) });
    expect([status, json.code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
  });
});
