import fc from 'fast-check';
import { decodeJwt } from 'jose';
import { startFaultProxy, type FaultProxy } from '@rostrum/testing';
import { AuthApp, type Person } from './auth-app';
import { codeOf } from './totp-app';

let app: AuthApp;
let ada: Person;
/** Another process, whose PostgreSQL can be slowed down between two bytes. */
let slow: AuthApp;
let postgres: FaultProxy;

beforeAll(async () => {
  app = await AuthApp.start({ settings: { LOGIN_FREE_FAILURES: '1000' } });
  slow = await app.second({}, async (databaseUrl) => {
    postgres = await startFaultProxy({ target: databaseUrl });
    return { DATABASE_URL: postgres.urlFor(databaseUrl) };
  });
  ada = await app.person();
});
afterAll(async () => {
  await app.stop();
  await postgres.close();
});

const sessionOf = (accessToken: string) => String(decodeJwt(accessToken).sid);

/** Nothing of the session is good for anything any more, whatever of it has been given out. */
async function expectDead(session: string, tokens: readonly Tokens[]): Promise<void> {
  for (const { accessToken, refreshToken } of tokens) {
    expect((await app.get('/api/v1/auth/me', { token: accessToken })).status).toBe(401);
    expect((await app.refresh(refreshToken)).status).toBe(401);
  }
  expect(await app.rows('select 1 from auth.sessions where id = $1 and ended_at is null', [session])).toEqual(
    [],
  );
}

interface Tokens {
  accessToken: string;
  refreshToken: string;
}

/** The ways in which somebody's sessions end. */
const endings: [string, (given: Tokens, person: Person) => Promise<unknown>][] = [
  ['signing out', ({ accessToken }) => app.post('/api/v1/auth/logout', undefined, { token: accessToken })],
  [
    'being ended from elsewhere',
    ({ accessToken }) =>
      app.delete(`/api/v1/auth/sessions/${sessionOf(accessToken)}`, { token: accessToken }),
  ],
  ['ending all', ({ accessToken }) => app.delete('/api/v1/auth/sessions', { token: accessToken })],
];

it.each(endings)('a refresh under way never brings a session back after %s', async (_, end) => {
  for (let round = 0; round < 6; round += 1) {
    const given = await app.signIn(ada);
    const refreshes = [app, slow, app].map((each) => each.refresh(given.refreshToken));
    const [answers] = await Promise.all([Promise.all(refreshes), end(given, ada)]);
    const tokens = answers.filter(({ status }) => status === 200).map(({ json }) => json as Tokens);
    await expectDead(sessionOf(given.accessToken), [given, ...tokens]);
  }
});

it('a refresh that has read nothing yet when the session ends finds it over', async () => {
  const given = await app.signIn(ada);
  postgres.pause();
  const late = slow.refresh(given.refreshToken);
  await app.post('/api/v1/auth/logout', undefined, { token: given.accessToken });
  await postgres.heal();
  expect((await late).status).toBe(401);
  await expectDead(sessionOf(given.accessToken), [given]);
});

it('a sign-in that has found somebody before a role was taken from them gives a token without it', async () => {
  const grace = await app.person();
  await app.rows(`update auth.users set roles = '{user,admin}' where id = $1`, [grace.id]);
  let signedIn: ReturnType<AuthApp['login']> | undefined;
  await app.uncommitted(`update auth.users set roles = '{user}' where id = $1`, [grace.id], async () => {
    signedIn = app.login(grace.username, grace.password);
    await app.untilSomebodyWaits();
  });
  const answer = await signedIn;
  expect(answer?.json.user.roles).toEqual(['user']);
  expect(decodeJwt(answer?.json.accessToken).roles).toEqual(['user']);
});

it('a sign-in that has checked the old password cannot end in a session after it was changed', async () => {
  const grace = await app.person();
  const { accessToken } = await app.signIn(grace);
  const body = { currentPassword: grace.password, newPassword: `${grace.password} and more` };
  const storm = Array.from({ length: 6 }, () => app.login(grace.username, grace.password));
  const change = await app.post('/api/v1/auth/password/change', body, { token: accessToken });
  expect(change.status).toBe(204);
  const answers = await Promise.all(storm);
  const open = await app.rows<{ id: string }>(
    'select id from auth.sessions where user_id = $1 and ended_at is null',
    [grace.id],
  );
  // Whoever came in time has a session that the change has ended; whoever came late has none.
  expect(open.map(({ id }) => id)).toEqual([sessionOf(accessToken)]);
  for (const { status, json } of answers.filter((answer) => answer.status === 200)) {
    expect(status).toBe(200);
    expect((await app.get('/api/v1/auth/me', { token: json.accessToken })).status).toBe(401);
  }
});

it('a sign-in whose session is about to be written waits for a change of credentials, and heeds it', async () => {
  const grace = await app.person();
  let signIn: ReturnType<typeof app.login> | undefined;
  await app.uncommitted(
    'update auth.users set credentials_version = credentials_version + 1 where id = $1',
    [grace.id],
    async () => {
      signIn = app.login(grace.username, grace.password);
      await app.untilSomebodyWaits();
    },
  );
  expect((await signIn)?.json.code).toBe('INVALID_CREDENTIALS');
  expect((await app.login(grace.username, grace.password)).status).toBe(200);
});

it('a sign-in that has found no second factor ends in no session once there is one', async () => {
  const grace = await app.person();
  const token = await app.tokenOf(grace);
  const { json } = await app.post('/api/v1/auth/mfa/totp', { password: grace.password }, { token });
  let confirmed: ReturnType<typeof app.post> | undefined;
  let signIn: ReturnType<typeof app.login> | undefined;
  // Whoever comes first is let in first: the factor is there before the session is written.
  await app.uncommitted('update auth.users set version = version where id = $1', [grace.id], async () => {
    confirmed = app.post('/api/v1/auth/mfa/totp/confirm', { code: codeOf(json.secret) }, { token });
    await app.untilSomebodyWaits();
    signIn = app.login(grace.username, grace.password);
    await app.untilSomebodyWaits(2);
  });
  expect((await confirmed)?.status).toBe(200);
  expect((await signIn)?.json.code).toBe('INVALID_CREDENTIALS');
  expect((await app.login(grace.username, grace.password)).json.mfaRequired).toBe(true);
});

it('a refresh waits for the end of its session, and heeds it', async () => {
  const given = await app.signIn(ada);
  let refresh: ReturnType<typeof app.refresh> | undefined;
  await app.uncommitted(
    'update auth.sessions set ended_at = now() where id = $1',
    [sessionOf(given.accessToken)],
    async () => {
      refresh = app.refresh(given.refreshToken);
      await app.untilSomebodyWaits();
    },
  );
  expect((await refresh)?.json.code).toBe('INVALID_REFRESH_TOKEN');
});

it('whatever is done in whatever order, a dead session stays dead and a live one goes on', async () => {
  const step = fc.constantFrom('refresh', 'refresh elsewhere', 'refresh old', 'end');
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { maxLength: 5 }),
      async (rounds) => {
        const first = await app.signIn(ada);
        const session = sessionOf(first.accessToken);
        const given: Tokens[] = [first];
        let ended = false;
        for (const round of rounds) {
          const newest = given.at(-1) as Tokens;
          const answers = await Promise.all(
            round.map(async (what) => {
              if (what === 'end') {
                return app.delete(`/api/v1/auth/sessions/${session}`, { token: first.accessToken });
              }
              const token = what === 'refresh old' ? first : newest;
              return (what === 'refresh elsewhere' ? slow : app).refresh(token.refreshToken);
            }),
          );
          const wasEnded = ended;
          ended ||= round.includes('end');
          const refreshed = answers.filter(({ status, json }) => status === 200 && json.refreshToken);
          if (wasEnded) expect(refreshed).toEqual([]);
          // All within the grace: whoever of them came in time holds the same newest token.
          if (!ended) expect(answers.map(({ status }) => status)).toEqual(round.map(() => 200));
          given.push(...refreshed.map(({ json }) => json as Tokens));
        }
        if (ended) await expectDead(session, given);
        else expect((await app.refresh((given.at(-1) as Tokens).refreshToken)).status).toBe(200);
      },
    ),
    { numRuns: 25 },
  );
}, 90_000);
