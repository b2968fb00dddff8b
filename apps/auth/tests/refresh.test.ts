import { randomBytes } from 'node:crypto';
import { decodeJwt } from 'jose';
import { waitFor } from '@rostrum/testing';
import { AuthApp, type Person } from './auth-app';

let app: AuthApp;
let ada: Person;

beforeAll(async () => {
  app = await AuthApp.start();
  await app.startWorker();
  ada = await app.verifiedPerson();
});
afterAll(() => app.stop());

const sessionOf = (accessToken: string) => String(decodeJwt(accessToken).sid);
const isGood = async (token: string) => (await app.get('/api/v1/auth/me', { token })).status === 200;

/** As if all that has happened in the session had happened so much earlier. */
const letTimePass = (sessionId: string, seconds: number) =>
  app.rows(
    `update auth.sessions set rotations = array(select at - $2 * interval '1 second' from unnest(rotations) as at)
      where id = $1`,
    [sessionId, seconds],
  );

async function expectOver(refreshToken: string): Promise<void> {
  const { status, headers, json } = await app.refresh(refreshToken);
  expect([status, json.code]).toEqual([401, 'INVALID_REFRESH_TOKEN']);
  expect(headers.get('www-authenticate')).toBe('Bearer realm="rostrum"');
}

async function exchange(refreshToken: string): Promise<string> {
  const { status, json } = await app.refresh(refreshToken);
  expect(status).toBe(200);
  return json.refreshToken;
}

describe('a refresh token', () => {
  it('is exchanged for new tokens of the same session, which then lasts longer', async () => {
    const { accessToken, refreshToken } = await app.signIn(ada);
    const session = sessionOf(accessToken);
    await app.rows(`update auth.sessions set expires_at = now() + interval '1 hour' where id = $1`, [
      session,
    ]);
    const { status, headers, json } = await app.refresh(refreshToken);
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(json).toEqual({
      accessToken: expect.any(String),
      refreshToken: expect.stringMatching(/^[\w-]{91}$/),
      tokenType: 'Bearer',
      expiresIn: 900,
    });
    expect(json.refreshToken).not.toBe(refreshToken);
    expect(decodeJwt(json.accessToken)).toMatchObject({ sub: ada.id, sid: session, roles: ['user'] });
    expect(await isGood(json.accessToken)).toBe(true);
    const [row] = await app.rows<{ hours: number; generation: number }>(
      `select generation, round(extract(epoch from expires_at - now()) / 3600)::int as hours from auth.sessions where id = $1`,
      [session],
    );
    expect(row).toEqual({ hours: 168, generation: 1 });
  });

  it('is kept nowhere, only a hash of it', async () => {
    const { accessToken, refreshToken } = await app.signIn(ada);
    const next = await exchange(refreshToken);
    const rows = await app.rows('select * from auth.sessions where id = $1', [sessionOf(accessToken)]);
    const stored = Buffer.concat(Object.values(rows[0] ?? {}).filter(Buffer.isBuffer));
    for (const token of [refreshToken, next]) {
      const secret = Buffer.from(token, 'base64url').subarray(20, 52);
      expect(stored.includes(secret)).toBe(false);
    }
    expect(await app.redis.keys('*session*')).toEqual([]);
  });

  it('never outlives the session, however often it is refreshed', async () => {
    const { accessToken, refreshToken } = await app.signIn(ada);
    const session = sessionOf(accessToken);
    await app.rows(`update auth.sessions set ends_at = now() + interval '60 seconds' where id = $1`, [
      session,
    ]);
    const next = await exchange(refreshToken);
    await app.rows(
      `update auth.sessions set expires_at = expires_at - interval '61 seconds', ends_at = ends_at - interval '61 seconds'
        where id = $1`,
      [session],
    );
    await expectOver(next);
  });

  it.each<[string, () => string]>([
    ['made up', () => randomBytes(68).toString('base64url')],
    ['empty but for its form', () => Buffer.alloc(68).toString('base64url')],
    ['a word', () => 'hunter2'],
    ['in another alphabet', () => '\u0430'.repeat(91)],
  ])('that is %s is none', async (_, make) => {
    await expectOver(make());
  });

  it('is a text, and all that there is', async () => {
    for (const body of [
      { refreshToken: 7 },
      { refreshToken: '' },
      { refreshToken: 'a'.repeat(300) },
      { token: 'a' },
      [],
    ]) {
      const { status, json } = await app.post('/api/v1/auth/refresh', body);
      expect([status, json.code]).toEqual([400, 'VALIDATION_FAILED']);
    }
    const { status, json } = await app.post('/api/v1/auth/refresh', undefined);
    expect([status, json.code]).toEqual([401, 'INVALID_REFRESH_TOKEN']);
  });

  it('gives roles as they are now', async () => {
    const grace = await app.person();
    const { refreshToken } = await app.signIn(grace);
    await app.rows(`update auth.users set roles = '{user,moderator}' where id = $1`, [grace.id]);
    const { json } = await app.refresh(refreshToken);
    expect(decodeJwt(json.accessToken).roles).toEqual(['user', 'moderator']);
  });

  it('of somebody who is suspended is over', async () => {
    const grace = await app.person();
    const { refreshToken } = await app.signIn(grace);
    await app.rows('update auth.users set suspended_at = now() where id = $1', [grace.id]);
    await expectOver(refreshToken);
    const { status, json } = await app.login(grace.username, grace.password);
    expect([status, json.code]).toEqual([403, 'ACCOUNT_SUSPENDED']);
  });
});

describe('used at the same time', () => {
  it('by fifty requests it has one successor, and they take one connection', async () => {
    const { refreshToken } = await app.signIn(ada);
    const fresh = await app.second({ DATABASE_MAX_CONNECTIONS: '20' });
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => fresh.post('/api/v1/auth/refresh', { refreshToken })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ json }) => json.refreshToken)).size).toBe(1);
    for (const { json } of answers.slice(0, 3)) expect(await isGood(json.accessToken)).toBe(true);
    const used = await fresh.mostConnections();
    // eslint-disable-next-line no-console -- measured
    console.log(`50 refreshes at once: ${used} connections at most`);
    expect(used).toBeLessThanOrEqual(2);
    expect(await exchange(answers[0]?.json.refreshToken)).toBeTruthy();
  });

  it('in several processes it has one successor too', async () => {
    const others = [await app.second(), await app.second()];
    for (let round = 0; round < 5; round += 1) {
      const { refreshToken } = await app.signIn(ada);
      const answers = await Promise.all(
        [app, ...others, app, ...others].map((each) => each.post('/api/v1/auth/refresh', { refreshToken })),
      );
      expect(answers.map(({ status }) => status)).toEqual(Array<number>(6).fill(200));
      expect(new Set(answers.map(({ json }) => json.refreshToken)).size).toBe(1);
    }
  });

  it('by tabs that go on by themselves they all stay signed in, and end with one token', async () => {
    const { refreshToken: first } = await app.signIn(ada);
    const second = await exchange(first);
    const third = await exchange(second);
    // A tab that comes late with the first one gets the newest, not one that is spent.
    expect(await exchange(first)).toBe(third);
    expect(await exchange(second)).toBe(third);
    const fourth = await exchange(third);
    expect(await Promise.all([first, second, third].map(exchange))).toEqual([fourth, fourth, fourth]);
  });

  it('is not an excuse to go on for ever: too many are told to wait', async () => {
    let { refreshToken } = await app.signIn(ada);
    for (let i = 0; i < 32; i += 1) refreshToken = await exchange(refreshToken);
    const { status, headers, json } = await app.refresh(refreshToken);
    expect([status, json.code]).toEqual([429, 'TOO_MANY_REFRESHES']);
    expect(headers.get('retry-after')).toBe('10');
  });
});

describe('used again', () => {
  const spend = async () => {
    const { accessToken, refreshToken } = await app.signIn(ada);
    const newest = await exchange(refreshToken);
    return { session: sessionOf(accessToken), accessToken, spent: refreshToken, newest };
  };

  it('within the grace still gives the same successor', async () => {
    const { session, spent, newest } = await spend();
    await letTimePass(session, 5);
    expect(await exchange(spent)).toBe(newest);
    expect(await exchange(spent)).toBe(newest);
  });

  it('later, once, while nobody has used the newest: its answer may have been lost', async () => {
    const { session, spent, newest } = await spend();
    await letTimePass(session, 30);
    expect(await exchange(spent)).toBe(newest);
    await expectOver(spent);
    await expectOver(newest);
  });

  it('after a minute never', async () => {
    const { session, spent, newest } = await spend();
    await letTimePass(session, 61);
    await expectOver(spent);
    await expectOver(newest);
  });

  it('after the newest was used never, however soon after the grace', async () => {
    const { session, spent, newest } = await spend();
    await letTimePass(session, 11);
    const next = await exchange(newest);
    await expectOver(spent);
    await expectOver(next);
  });

  it('ends the session for all services, is written down, and its owner is told', async () => {
    const { session, accessToken, spent } = await spend();
    const others = await app.signIn(ada);
    expect(await isGood(accessToken)).toBe(true);
    const mails = app.mailbox.to(ada.email).length;
    await letTimePass(session, 61);
    const answer = await app.refresh(spent);
    expect(answer.status).toBe(401);
    expect(await isGood(accessToken)).toBe(false);
    expect(await isGood(others.accessToken)).toBe(true);
    expect(
      await app.rows('select ended_because from auth.sessions where id = $1 and ended_at is not null', [
        session,
      ]),
    ).toEqual([{ ended_because: 'token replayed' }]);
    const [event] = await app.rows<{ body: string }>(
      `select body from auth.audit_events where subject_id = $1 and action = 'session.ended' order by occurred_at desc`,
      [ada.id],
    );
    expect(JSON.parse(String(event?.body))).toMatchObject({
      actor: { kind: 'anonymous' },
      target: { session },
      details: { reason: 'token replayed' },
    });
    await waitFor(() => app.mailbox.to(ada.email).length > mails, { what: 'a mail', timeoutMs: 20_000 });
    expect(app.mailbox.to(ada.email).at(-1)?.subject).toMatch(/ended one of your sessions/);
    expect(await app.linesOf(answer)).toMatchObject([
      { message: expect.stringContaining('Sessions ended') },
      { level: 'warn', message: expect.stringContaining('used again') },
      { status: 401 },
    ]);
  });

  it('by nobody who has never had one: a made up token of a session does not end it', async () => {
    const { session, newest } = await spend();
    const forged = Buffer.from(newest, 'base64url');
    forged.writeUInt32BE(0, 16);
    forged.write(session.replaceAll('-', ''), 0, 'hex');
    await letTimePass(session, 61);
    await expectOver(forged.toString('base64url'));
    expect(await exchange(newest)).toBeTruthy();
  });
});

it('a token of a session that is gone is over', async () => {
  const { accessToken, refreshToken } = await app.signIn(ada);
  await app.rows('delete from auth.sessions where id = $1', [sessionOf(accessToken)]);
  await expectOver(refreshToken);
});
