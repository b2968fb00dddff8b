import { userDeleted, userDeletionRequested, userDeletionWithdrawn } from '@rostrum/contracts';
import { createRedisBus } from '@rostrum/data-access';
import { publishedEvents } from '@rostrum/testing';
import { AuthApp, newDetails, type Person } from './auth-app';

let app: AuthApp;

beforeAll(async () => {
  app = await AuthApp.start();
  await app.startWorker();
});
afterAll(() => app.stop());

const remove = (token: string, password: unknown) =>
  app.delete('/api/v1/auth/me', { token, body: { password } });
const me = (token: string) => app.get('/api/v1/auth/me', { token });
const rowOf = async ({ id }: Person) => (await app.rows('select * from auth.users where id = $1', [id]))[0];

/** As if the time to regret it were over. */
async function purged(person: Person): Promise<void> {
  await app.rows(`update auth.users set purge_after = now() where id = $1`, [person.id]);
  await app.startWorker();
  await app.until(async () => (await rowOf(person)) === undefined, 'the account to be gone');
}

describe('asking for one’s account to be deleted', () => {
  it('ends all sessions at once, and tells when it will be gone', async () => {
    const ada = await app.verifiedPerson();
    const [here, there] = [await app.signIn(ada), await app.signIn(ada)];
    const answer = await remove(here.accessToken, ada.password);
    expect(answer.status).toBe(202);
    const days = (Date.parse(answer.json.deletedAfter) - Date.now()) / 86_400_000;
    expect(Math.round(days)).toBe(30);
    for (const { accessToken, refreshToken } of [here, there]) {
      expect((await me(accessToken)).status).toBe(401);
      expect((await app.refresh(refreshToken)).status).toBe(401);
    }
    const mail = await app.mailbox.waitFor(ada.email, /will be deleted/);
    expect(mail.text).toContain(answer.json.deletedAfter);
    expect(
      await app.rows(
        `select 1 from auth.audit_events where subject_id = $1 and action = 'account.deletion-requested'`,
        [ada.id],
      ),
    ).toHaveLength(1);
  });

  it.each<[string, unknown, number, string]>([
    ['a wrong password', 'wrong horse', 403, 'PASSWORD_WRONG'],
    ['no password', undefined, 400, 'VALIDATION_FAILED'],
  ])('with %s does nothing', async (_, password, status, code) => {
    const ada = await app.person();
    const { accessToken } = await app.signIn(ada);
    const answer = await remove(accessToken, password);
    expect([answer.status, answer.json.code]).toEqual([status, code]);
    expect((await me(accessToken)).status).toBe(200);
    expect(await rowOf(ada)).toMatchObject({ deletion_requested_at: null, purge_after: null });
  });
});

describe('within the time to regret it', () => {
  it('signing in brings the account back as it was', async () => {
    const ada = await app.verifiedPerson();
    await remove((await app.signIn(ada)).accessToken, ada.password);
    expect((await app.login(ada.username, 'wrong horse')).status).toBe(401);
    expect(await rowOf(ada)).not.toMatchObject({ purge_after: null });
    const { accessToken, refreshToken } = await app.signIn(ada);
    expect((await me(accessToken)).json).toMatchObject({ id: ada.id, email: ada.email, emailVerified: true });
    expect((await app.refresh(refreshToken)).status).toBe(200);
    expect(await rowOf(ada)).toMatchObject({ deletion_requested_at: null, purge_after: null });
    await app.mailbox.waitFor(ada.email, /stays/);
    expect(
      await app.rows(
        `select 1 from auth.audit_events where subject_id = $1 and action = 'account.restored'`,
        [ada.id],
      ),
    ).toHaveLength(1);
  });

  it('the other services are told that they are leaving, and that they have come back', async () => {
    const ada = await app.person();
    await remove((await app.signIn(ada)).accessToken, ada.password);
    await app.signIn(ada);
    await app.signIn(ada);
    const bus = createRedisBus({ redis: app.redis });
    const leaving = await findEvent(bus, ada.id, 'user.deletionRequested');
    expect(userDeletionRequested.payload.strict().parse(leaving.payload).userId).toBe(ada.id);
    const back = await findEvent(bus, ada.id, 'user.deletionWithdrawn');
    expect(userDeletionWithdrawn.payload.strict().parse(back.payload).userId).toBe(ada.id);
    const told = await app.rows('select type from auth.outbox where key = $1', [ada.id]);
    expect(told.map(({ type }) => type).sort()).toEqual([
      'user.deletionRequested',
      'user.deletionWithdrawn',
      'user.registered',
    ]);
  });

  it('nobody else can take the name', async () => {
    const ada = await app.person();
    await remove((await app.signIn(ada)).accessToken, ada.password);
    expect((await app.register({ ...newDetails(), username: ada.username })).status).toBe(409);
  });

  it('a sign-in and the end of that time are one or the other', async () => {
    for (let round = 0; round < 3; round += 1) {
      const ada = await app.person();
      await remove((await app.signIn(ada)).accessToken, ada.password);
      await app.rows(`update auth.users set purge_after = now() where id = $1`, [ada.id]);
      const [answer] = await Promise.all([app.login(ada.username, ada.password), app.startWorker()]);
      await app.until(async () => {
        const row = await rowOf(ada);
        return row === undefined || row['purge_after'] === null;
      }, 'one or the other');
      const isThere = (await rowOf(ada)) !== undefined;
      expect(answer.status).toBe(isThere ? 200 : 401);
      if (isThere) expect((await me(answer.json.accessToken)).status).toBe(200);
    }
  });
});

describe('after that time', () => {
  it('nothing of the person can be read any more, and the other services are told', async () => {
    const ada = await app.verifiedPerson();
    await remove((await app.signIn(ada)).accessToken, ada.password);
    await purged(ada);
    expect((await app.login(ada.username, ada.password)).status).toBe(401);
    for (const table of ['user_keys', 'passwords', 'sessions', 'one_time_tokens']) {
      expect(await app.rows(`select 1 from auth.${table} where user_id = $1`, [ada.id])).toEqual([]);
    }
    // What is left of them in the log is sealed with a key that is no more.
    const events = await app.rows<{ body: string }>(
      'select body from auth.audit_events where subject_id = $1',
      [ada.id],
    );
    expect(events.map(({ body }) => (JSON.parse(body) as { action: string }).action)).toContain(
      'account.deleted',
    );
    expect(JSON.stringify(events)).not.toContain(ada.email);

    const bus = createRedisBus({ redis: app.redis });
    const event = await findEvent(bus, ada.id, 'user.deleted');
    expect(userDeleted.payload.strict().parse(event.payload)).toEqual({
      userId: ada.id,
      deletedAt: expect.any(String),
    });
    await app.mailbox.waitFor(ada.email, /has been deleted/);
  });

  it('nobody else can be who they were, and the name stands nowhere', async () => {
    const ada = await app.person();
    await remove((await app.signIn(ada)).accessToken, ada.password);
    await purged(ada);
    const { status, json } = await app.register({ ...newDetails(), username: ada.username });
    expect([status, json.code]).toEqual([409, 'USERNAME_TAKEN']);
    const rows = await app.rows('select * from auth.retired_usernames');
    expect(rows.length).toBeGreaterThan(0);
    expect(JSON.stringify(rows)).not.toContain(ada.username);
  });

  it('the address is free again', async () => {
    const ada = await app.verifiedPerson();
    await remove((await app.signIn(ada)).accessToken, ada.password);
    await purged(ada);
    const mails = () =>
      app.mailbox.to(ada.email).filter(({ subject }) => /Is this your address/.test(subject));
    const before = mails().length;
    await app.person({ email: ada.email });
    await app.until(() => mails().length > before, 'another mail');
    const { status } = await app.post('/api/v1/auth/email/verify', { token: mails().at(-1)?.token });
    expect(status).toBe(204);
  });
});

async function findEvent(bus: ReturnType<typeof createRedisBus>, userId: string, type: string) {
  let found: Awaited<ReturnType<typeof publishedEvents>>[number] | undefined;
  await app.until(async () => {
    const events = await publishedEvents(bus, 'events:auth');
    found = events.find((event) => event.type === type && event.key === userId);
    return found !== undefined;
  }, 'the event');
  return found as NonNullable<typeof found>;
}
