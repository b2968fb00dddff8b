import { account } from '@rostrum/contracts';
import { newDetails, problemOf, startAuth, type AuthApp, type Details } from './auth-app';

let app: AuthApp;

beforeAll(async () => {
  app = await startAuth();
});
afterAll(() => app.stop());

const register = (body: unknown) => app.ask('/api/v1/auth/register', { method: 'POST', body });
const countOf = async (table: string) =>
  Number((await app.sql<{ count: string }>(`select count(*) from auth.${table}`))[0]?.count);

describe('registration', () => {
  it('makes an account, and answers it without anything secret', async () => {
    const details = newDetails();
    const response = await register(details);
    expect(response.status).toBe(201);
    expect(response.headers.get('cache-control')).toBe('no-store');
    const { user } = (await response.json()) as { user: { id: string; createdAt: string } };
    expect(account.strict().parse(user)).toMatchObject({ email: details.email, username: details.username });

    const [row] = await app.sql(
      'select * from auth.users join auth.passwords on user_id = id where id = $1',
      [user.id],
    );
    expect(row).toMatchObject({
      email: details.email,
      username: details.username,
      roles: ['user'],
      hash: expect.stringMatching(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/),
    });
  });

  it('keeps an email in lower case', async () => {
    const { id } = await app.register({ email: 'Grace.Hopper@Example.COM' });
    expect(await app.sql('select email from auth.users where id = $1', [id])).toEqual([
      { email: 'grace.hopper@example.com' },
    ]);
  });

  it('says to others that it has happened, in the same transaction', async () => {
    const { id, username } = await app.register();
    const events = await app.sql<{ payload: object }>(
      `select type, version, key, payload, traceparent from auth.outbox where key = $1`,
      [id],
    );
    expect(events).toEqual([
      {
        type: 'user.registered',
        version: 1,
        key: id,
        payload: { userId: id, username, registeredAt: expect.any(String) },
        traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/),
      },
    ]);
  });

  it('counts', async () => {
    const countedNow = async () =>
      Number(/^users_registered_total\{.*\} (\d+)$/m.exec(await app.metrics())?.[1]);
    const before = await countedNow();
    await app.register();
    expect(await countedNow()).toBe(before + 1);
  });
});

describe('an account that is there already', () => {
  let taken: Details;
  beforeAll(async () => {
    taken = await app.register();
  });

  it.each<[string, () => Partial<Details>]>([
    ['its email', () => ({ email: taken.email })],
    ['its email in capitals', () => ({ email: taken.email.toUpperCase() })],
    ['its username', () => ({ username: taken.username })],
    ['both', () => ({ email: taken.email, username: taken.username })],
  ])('cannot be made again with %s, and leaves neither row nor event', async (_, same) => {
    const before = await Promise.all(['users', 'passwords', 'outbox'].map(countOf));
    const registeredBefore = /^users_registered_total.*$/m.exec(await app.metrics())?.[0];
    const response = await register({ ...newDetails(), ...same() });
    expect(response.status).toBe(409);
    const problem = await problemOf(response);
    expect(problem.code).toBe('ACCOUNT_EXISTS');
    expect(JSON.stringify(problem)).not.toContain(taken.username);
    expect(await Promise.all(['users', 'passwords', 'outbox'].map(countOf))).toEqual(before);
    expect(await app.metrics()).toContain(registeredBefore);
  });

  it('is made once, however many ask for it at once', async () => {
    const details = newDetails();
    const responses = await Promise.all(Array.from({ length: 8 }, () => register(details)));
    expect(responses.map(({ status }) => status).sort()).toEqual([201, ...Array(7).fill(409)]);
    expect(await app.sql('select 1 from auth.users where username = $1', [details.username])).toHaveLength(1);
    expect(
      await app.sql(`select 1 from auth.outbox where payload->>'username' = $1`, [details.username]),
    ).toHaveLength(1);
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
    const before = await countOf('users');
    const body = Object.assign(Object.create(null) as object, newDetails(), change);
    if (Object.hasOwn(change, '__proto__'))
      Object.defineProperty(body, '__proto__', { value: {}, enumerable: true });
    const response = await register(body);
    expect(response.status).toBe(400);
    const problem = await problemOf(response);
    expect(problem.code).toBe('VALIDATION_FAILED');
    expect(problem.errors?.map(({ path }) => path)).toEqual([field]);
    expect(await countOf('users')).toBe(before);
  });

  it('is larger than any registration could be', async () => {
    const response = await register({ ...newDetails(), password: 'a'.repeat(5000) });
    expect(response.status).toBe(413);
    expect((await problemOf(response)).code).toBe('PAYLOAD_TOO_LARGE');
  });
});
