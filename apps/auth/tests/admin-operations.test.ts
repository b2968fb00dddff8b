import { authAdminRoutes, authAuditRoutes, authKeysRoutes, type RouteContract } from '@rostrum/contracts';
import { AdminStage, codes, users, type EventRow } from './admin-stage';
import type { Answer, AuthApp, Person } from './auth-app';

const keysPath = '/api/v1/auth/admin/keys';
const auditPath = '/api/v1/auth/admin/audit';

let stage: AdminStage;
let app: AuthApp;
let root: Person;
let token: string;

beforeAll(async () => {
  stage = await AdminStage.open();
  ({ app, root, token } = stage);
});
afterAll(() => app.stop());

describe('signing keys', () => {
  const list = async (as = token) =>
    (await app.get(keysPath, { token: as })).json.keys as { kid: string; state: string }[];
  const stateOf = async (kid: string, as?: string) => (await list(as)).find((key) => key.kid === kid)?.state;

  it('are listed, rotated and revoked', async () => {
    const [signing, waiting] = ['signing', 'waiting'].map(async (state) =>
      String((await list()).find((key) => key.state === state)?.kid),
    );
    const [old, next] = [String(await signing), String(await waiting)];
    const rotated = await app.post(`${keysPath}/rotate`, undefined, { token });
    expect([rotated.status, rotated.json.kid]).toEqual([200, next]);
    await app.until(async () => (await stateOf(next)) === 'signing', 'the next key to sign');
    expect(await stateOf(old)).toBe('verifying');
    expect((await stage.me(token)).status).toBe(200);

    const revoked = await app.post(`${keysPath}/${old}/revoke`, { reason: 'leaked' }, { token });
    expect(revoked.status).toBe(204);
    // It had signed the admin's own token.
    expect((await app.get(keysPath, { token })).status).toBe(401);
    await stage.signIn();
    ({ token } = stage);
    expect(await stateOf(old)).toBe('revoked');
    expect(codes(await app.post(`${keysPath}/${old}/revoke`, { reason: 'x' }, { token }))).toEqual([
      409,
      'KEY_ALREADY_REVOKED',
    ]);
    expect((await app.post(`${keysPath}/nothing/revoke`, { reason: 'x' }, { token })).status).toBe(404);
  });
});

describe('the audit log', () => {
  it('is read newest first, by person and by action, with what is sealed opened', async () => {
    const ada = await app.person();
    await app.signIn(ada, { headers: { 'user-agent': 'Canary/7.7' } });
    await stage.suspend(ada.id);
    const read = async (query: string) => (await app.get(`${auditPath}?${query}`, { token })).json.items;
    const about = await read(`subjectId=${ada.id}`);
    expect(about.map(({ action }: EventRow) => action)).toContain('user.suspended');
    const times = about.map(({ at }: { at: string }) => at);
    expect(times).toEqual([...times].sort().reverse());
    const [event] = await read(`subjectId=${ada.id}&action=user.suspended`);
    expect(event).toMatchObject({
      actor: { kind: 'user', id: root.id },
      details: { reason: 'spam' },
      from: { address: '127.0.0.1' },
    });
    const group = await read(`actorId=${root.id}&action=user`);
    expect(new Set(group.map(({ action }: EventRow) => action.split('.')[0]))).toEqual(new Set(['user']));
    expect(await read(`subjectId=${ada.id}&until=2020-01-01T00:00:00Z`)).toEqual([]);
    const after = await read(`subjectId=${ada.id}&since=2020-01-01T00:00:00Z`);
    expect(after.length).toBeGreaterThanOrEqual(about.length);
  });

  it('has pages, and no event is on two of them', async () => {
    for (let n = 0; n < 28; n += 1) await app.get(`${users}/${root.id}`, { token });
    const seen: string[] = [];
    let next: string | undefined = `${auditPath}?actorId=${root.id}&limit=7`;
    for (let page = 0; next && page < 4; page += 1) {
      const answer: Answer = await app.get(next, { token });
      seen.push(...answer.json.items.map(({ id }: { id: string }) => id));
      next = /<([^>]+)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1];
    }
    expect(seen).toHaveLength(28);
    expect(new Set(seen).size).toBe(28);
  });

  it('is verified, and tampering shows', async () => {
    const verify = () => app.post(`${auditPath}/verify`, {}, { token });
    expect((await verify()).json).toMatchObject({ intact: true, complete: true, findings: [] });
    await app.rows('alter table auth.audit_events disable trigger user');
    await app.rows(
      `update auth.audit_events set body = replace(body, 'spam', 'ham') where action = 'user.suspended'`,
    );
    await app.rows('alter table auth.audit_events enable trigger user');
    const { json } = await verify();
    expect(json.intact).toBe(false);
    expect(json.findings[0]).toMatchObject({ kind: 'event changed' });
    const anchors = [{ position: 99, hash: 'x' }];
    const anchored = await app.post(`${auditPath}/verify`, { anchors }, { token });
    expect(anchored.json.findings).toContainEqual({ kind: 'checkpoint missing', position: 99 });
  });
});

it('every action of an admin leaves an event of theirs', async () => {
  const ada = await app.person();
  const values: Record<string, string> = { id: ada.id, role: 'moderator', kid: 'nothing' };
  const bodies: Record<string, unknown> = {
    adminSuspendUser: { reason: 'spam' },
    adminRevokeKey: { reason: 'x' },
    adminVerifyAudit: {},
  };
  const ofRoot = async () =>
    (await app.rows('select from auth.audit_events where actor_id = $1', [root.id])).length;
  const silent: string[] = [];
  const routes: readonly RouteContract[] = [...authAdminRoutes, ...authKeysRoutes, ...authAuditRoutes];
  for (const { operationId, method, path } of routes) {
    const before = await ofRoot();
    const target = path.replace(/:(\w+)/g, (_, name: string) => String(values[name]));
    const question = { token, ...(bodies[operationId] !== undefined && { body: bodies[operationId] }) };
    const send = { get: 'get', post: 'post', put: 'put', delete: 'delete', patch: 'patch' }[method] as 'get';
    if (method === 'post') await app.post(target, bodies[operationId], question);
    else await app[send](target, question);
    if ((await ofRoot()) === before) silent.push(operationId);
  }
  expect(silent).toEqual([]);
});
