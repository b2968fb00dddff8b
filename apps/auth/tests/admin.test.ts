import { randomUUID } from 'node:crypto';
import { AdminStage, codes, users } from './admin-stage';
import type { Answer, AuthApp, Person } from './auth-app';

let stage: AdminStage;
let app: AuthApp;
let root: Person;
let token: string;

beforeAll(async () => {
  stage = await AdminStage.open();
  ({ app, root, token } = stage);
});
afterAll(() => app.stop());

const makeAdmin = (person: Person) => stage.makeAdmin(person);
const me = (as: string) => stage.me(as);
const suspend = (id: string, as?: string) => stage.suspend(id, as);
const eventsAbout = (id: string) => stage.eventsAbout(id);

describe('accounts', () => {
  it('are listed newest first, page by page, each once', async () => {
    const people = [];
    for (let n = 0; n < 5; n += 1)
      people.push(await app.person({ username: `pager_${n}_${root.id.slice(-4)}` }));
    const seen: string[] = [];
    let next: string | undefined = `${users}?q=pager_&limit=2`;
    while (next) {
      const answer: Answer = await app.get(next, { token });
      expect(answer.status).toBe(200);
      seen.push(...answer.json.items.map(({ id }: Person) => id));
      next = /<([^>]+)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1];
      expect(next === undefined).toBe(answer.json.nextCursor === null);
    }
    expect(seen).toEqual(people.map(({ id }) => id).reverse());
  });

  it('are found by the beginning of a name, by a whole address, by role and by state', async () => {
    const [ada, eve] = [await app.person(), await app.person()];
    await suspend(eve.id);
    const find = async (query: string) =>
      (await app.get(`${users}?${query}`, { token })).json.items.map(({ id }: Person) => id);
    expect(await find(`q=${ada.username.slice(0, 12)}`)).toEqual([ada.id]);
    expect(await find(`q=${ada.username.slice(0, 12).toUpperCase()}`)).toEqual([ada.id]);
    expect(await find(`q=${encodeURIComponent(ada.email)}`)).toEqual([ada.id]);
    expect(await find(`q=${encodeURIComponent(ada.email.slice(1))}`)).toEqual([]);
    expect(await find('q=%25')).toEqual([]);
    expect(await find('role=admin')).toEqual([root.id]);
    expect(await find('role=moderator')).toEqual([]);
    expect(await find('status=suspended')).toContain(eve.id);
    expect(await find('status=active')).not.toContain(eve.id);
    expect(codes(await app.get(`${users}?cursor=AAAA`, { token }))).toEqual([400, 'INVALID_CURSOR']);
  });

  it('are shown whole, without anything secret', async () => {
    const ada = await app.person();
    const { status, json, text } = await app.get(`${users}/${ada.id}`, { token });
    expect([status, json]).toEqual([
      200,
      {
        id: ada.id,
        username: ada.username,
        email: ada.email,
        emailVerified: false,
        roles: ['user'],
        createdAt: expect.any(String),
        suspendedAt: null,
        deletionRequestedAt: null,
      },
    ]);
    expect(text).not.toMatch(/argon2|hash|sealed/);
  });

  it('that are not there are 404 for each of them', async () => {
    const id = randomUUID();
    const answers = [
      await app.get(`${users}/${id}`, { token }),
      await suspend(id),
      await app.post(`${users}/${id}/restore`, undefined, { token }),
      await app.put(`${users}/${id}/roles/moderator`, { token }),
      await app.delete(`${users}/${id}/roles/moderator`, { token }),
      await app.delete(`${users}/${id}/sessions`, { token }),
    ];
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([404]));
  });
});

describe('a suspended account', () => {
  it('is out at once, cannot come back, and is let in again when it is restored', async () => {
    const ada = await app.person();
    const { accessToken, refreshToken } = await app.signIn(ada);
    expect((await me(accessToken)).status).toBe(200);
    const { status, json } = await suspend(ada.id);
    expect([status, json.suspendedAt]).toEqual([200, expect.any(String)]);
    expect((await me(accessToken)).status).toBe(401);
    expect((await app.refresh(refreshToken)).status).toBe(401);
    expect(codes(await app.login(ada.username, ada.password))).toEqual([403, 'ACCOUNT_SUSPENDED']);

    expect((await app.post(`${users}/${ada.id}/restore`, undefined, { token })).json.suspendedAt).toBeNull();
    expect((await app.refresh(refreshToken)).status).toBe(401);
    expect((await me(await app.tokenOf(ada))).status).toBe(200);
  });

  it('is out of other processes too, within five seconds', async () => {
    const other = await app.second();
    const ada = await app.person();
    const as = await app.tokenOf(ada);
    expect((await other.get('/api/v1/auth/me', { token: as })).status).toBe(200);
    const began = performance.now();
    await suspend(ada.id);
    await app.until(
      async () => (await other.get('/api/v1/auth/me', { token: as })).status === 401,
      'the other process to refuse',
    );
    const took = performance.now() - began;
    process.stdout.write(`suspended: refused by another process after ${Math.round(took)} ms\n`);
    expect(took).toBeLessThan(5_000);
  });

  it('is noted with who, from where and why, and suspending twice is one suspension', async () => {
    const ada = await app.person();
    await suspend(ada.id);
    const [event, ...others] = (await eventsAbout(ada.id)).filter(
      ({ action }) => action === 'user.suspended',
    );
    expect(event).toMatchObject({ result: 'succeeded', actor_id: root.id });
    expect(JSON.parse(String(event?.body))).toMatchObject({
      details: { reason: 'spam' },
      from: { owner: root.id },
      requestId: expect.any(String),
    });
    expect(event?.body).not.toContain('127.0.0.1');
    await suspend(ada.id);
    expect(others).toEqual([]);
    expect((await eventsAbout(ada.id)).filter(({ action }) => action === 'user.suspended')).toHaveLength(1);
  });
});

describe('roles', () => {
  it('a role that is granted is in the next token, one that is taken is in none that is good', async () => {
    const ada = await app.person();
    const before = await app.signIn(ada);
    expect(codes(await app.get(users, { token: before.accessToken }))).toEqual([403, 'FORBIDDEN']);
    expect((await app.put(`${users}/${ada.id}/roles/admin`, { token })).json.roles).toEqual([
      'user',
      'admin',
    ]);
    expect((await app.get(users, { token: before.accessToken })).status).toBe(401);
    const { json: granted } = await app.refresh(before.refreshToken);
    expect((await app.get(users, { token: granted.accessToken })).status).toBe(200);
    expect((await me(granted.accessToken)).json.roles).toEqual(['user', 'admin']);

    expect((await app.delete(`${users}/${ada.id}/roles/admin`, { token })).json.roles).toEqual(['user']);
    expect((await app.get(users, { token: granted.accessToken })).status).toBe(401);
    const { json: taken } = await app.refresh(granted.refreshToken);
    expect(codes(await app.get(users, { token: taken.accessToken }))).toEqual([403, 'FORBIDDEN']);
    expect((await me(taken.accessToken)).json.roles).toEqual(['user']);
  });

  it('whoever signs in or refreshes right after, in whichever process, has tokens that stay good', async () => {
    const other = await app.second();
    const ada = await app.person();
    const before = await app.signIn(ada);
    const isGood = async (as: string) =>
      (await Promise.all([app, other].map((each) => each.get('/api/v1/auth/me', { token: as })))).every(
        ({ status }) => status === 200,
      );
    expect(await isGood(before.accessToken)).toBe(true);
    await app.put(`${users}/${ada.id}/roles/moderator`, { token });
    const { json: refreshed } = await other.refresh(before.refreshToken);
    const { accessToken } = await other.signIn(ada);
    await app.until(
      async () => (await other.get('/api/v1/auth/me', { token: before.accessToken })).status === 401,
      'the other process to know',
    );
    expect(await isGood(accessToken)).toBe(true);
    expect(await isGood(refreshed.accessToken)).toBe(true);
  });

  it.each(['user', 'root', 'Admin'])('%s is none that can be granted', async (role) => {
    const ada = await app.person();
    expect(codes(await app.put(`${users}/${ada.id}/roles/${role}`, { token }))).toEqual([
      400,
      'VALIDATION_FAILED',
    ]);
  });

  it('the last admin stays one, and nobody suspends themselves', async () => {
    expect(codes(await app.delete(`${users}/${root.id}/roles/admin`, { token }))).toEqual([
      409,
      'LAST_ADMIN',
    ]);
    expect(codes(await suspend(root.id))).toEqual([409, 'OWN_ACCOUNT']);
    const { password } = root;
    const leave = await app.delete('/api/v1/auth/me', { token, body: { password } });
    expect(codes(leave)).toEqual([409, 'LAST_ADMIN']);
    const refusals = (await eventsAbout(root.id)).filter(({ result }) => result === 'refused');
    expect(refusals.map(({ action }) => action).sort()).toEqual(['role.taken', 'user.suspended']);

    const second = await app.person();
    await makeAdmin(second);
    const theirs = await app.tokenOf(second);
    await suspend(second.id);
    expect(codes(await app.delete(`${users}/${root.id}/roles/admin`, { token }))).toEqual([
      409,
      'LAST_ADMIN',
    ]);
    expect((await app.get(users, { token: theirs })).status).toBe(401);
    await app.rows(`update auth.users set roles = '{user}' where id = $1`, [second.id]);
  });

  it('of two admins who remove each other at once, one stays', async () => {
    for (let round = 0; round < 5; round += 1) {
      const pair = [await app.person(), await app.person()];
      for (const each of pair) await makeAdmin(each);
      const [one, other] = await Promise.all(pair.map((each) => app.tokenOf(each)));
      await app.rows(`update auth.users set roles = '{user}' where id = $1`, [root.id]);
      const [first, second] = pair as [Person, Person];
      const answers = await Promise.all([
        app.delete(`${users}/${second.id}/roles/admin`, { token: String(one) }),
        round % 2
          ? suspend(first.id, String(other))
          : app.delete(`${users}/${first.id}/roles/admin`, { token: String(other) }),
      ]);
      const left = await app.rows(
        `select from auth.users where 'admin' = any(roles) and suspended_at is null`,
      );
      await makeAdmin(root);
      await app.rows(`update auth.users set roles = '{user}' where id = any($1)`, [pair.map(({ id }) => id)]);
      expect(left).toHaveLength(1);
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    }
  });
});

it('all sessions of somebody end, and how many there were is told', async () => {
  const ada = await app.person();
  const sessions = [await app.signIn(ada), await app.signIn(ada)];
  expect((await app.delete(`${users}/${ada.id}/sessions`, { token })).json).toEqual({ ended: 2 });
  for (const { accessToken, refreshToken } of sessions) {
    expect((await me(accessToken)).status).toBe(401);
    expect((await app.refresh(refreshToken)).status).toBe(401);
  }
  expect((await app.delete(`${users}/${ada.id}/sessions`, { token })).json).toEqual({ ended: 0 });
  expect((await me(await app.tokenOf(ada))).status).toBe(200);
});
