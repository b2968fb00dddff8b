import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { authAdminRoutes, authAuditRoutes, authKeysRoutes, closeCodes } from '@rostrum/contracts';
import { waitFor } from '@rostrum/testing';
import jwt from 'jsonwebtoken';
import WebSocket from 'ws';
import { startSystem, type System } from '../system/system';
import { modes, notYetCalled, People, type Client, type Details, type Mode } from './people';

/** Six processes and a gateway, on a machine that has other things to do. */
const patientMs = 180_000;
const promised = { timeoutMs: 5_000 };
const users = '/api/v1/auth/admin/users';
const keys = '/api/v1/auth/admin/keys';
const audit = '/api/v1/auth/admin/audit';
/** Of each service one. */
const readings = ['/api/v1/feed', '/api/v1/auth/me', '/api/v1/realtime/notifications'];

let system: System;
let people: People;
let ada: Details & { id: string };
const admins = {} as Record<Mode, Client>;

beforeAll(async () => {
  system = await startSystem({ instances: { auth: 2 }, environment: { JWKS_MAX_AGE: '2' } });
  people = new People(system);
  ada = await people.register();
  expect(await operate('admin', 'grant', ada.username, 'admin')).toMatchObject({ code: 0 });
}, patientMs);
beforeEach(async () => {
  for (const mode of modes) admins[mode] = (await people.signIn(ada, mode)).client;
});
afterAll(() => system?.stop(), patientMs);

/** An operator's command, as it stands beside the service. */
async function operate(...args: string[]) {
  const [service] = system.mains.auth;
  if (!service) throw new Error('There is no auth');
  return service.command('operate', args);
}

const kidOf = (token: string | undefined) => jwt.decode(String(token), { complete: true })?.header.kid;
const statusOf = async (caller: Client, path = '/api/v1/feed') => (await caller.call('GET', path)).status;
const until = (condition: () => boolean | Promise<boolean>, what: string) =>
  waitFor(condition, { what, timeoutMs: 30_000 });

it('what is for services alone is not behind the gateway', async () => {
  expect(await statusOf(people.client(), '/internal/revocations')).toBe(404);
});

it('another implementation verifies a token by the keys behind the gateway', async () => {
  const { json } = await people.client().call('GET', '/.well-known/jwks.json');
  const { token } = admins.bearer;
  const jwk = json.keys.find(({ kid }: { kid: string }) => kid === kidOf(token)) as JsonWebKey;
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  const expected = { algorithms: ['RS256' as const], issuer: 'https://auth.test', audience: 'rostrum' };
  expect(jwt.verify(String(token), key, expected)).toMatchObject({ sub: ada.id, roles: ['user', 'admin'] });
});

describe.each(modes)('an admin with a session of mode %s', (mode) => {
  let admin: Client;
  let eve: Details & { id: string };

  beforeEach(async () => {
    admin = admins[mode];
    eve = await people.register();
  });

  it('suspends a person, who is out of every service and of every socket until they are restored', async () => {
    const { client: caller, tokens } = await people.signIn(eve);
    const socket = new WebSocket(
      `${system.gateway.url.replace('https', 'wss')}/ws`,
      ['rostrum.v1', `bearer.${tokens.accessToken}`],
      { ca: system.certificate },
    );
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    await new Promise((resolve) => socket.once('message', resolve));
    expect(await statusOf(caller)).toBe(200);

    const began = performance.now();
    expect((await admin.call('POST', `${users}/${eve.id}/suspend`, { reason: 'spam' })).status).toBe(200);
    await waitFor(async () => (await statusOf(caller)) === 401, { what: 'posts to refuse', ...promised });
    expect(await closed).toBe(closeCodes.sessionRevoked);
    const took = Math.round(performance.now() - began);
    process.stdout.write(`suspended: out of posts and of the socket after ${took} ms\n`);
    const { username: identifier, password } = eve;
    const refused = await people.client().call('POST', '/api/v1/auth/login', { identifier, password });
    expect([refused.status, refused.json.code]).toEqual([403, 'ACCOUNT_SUSPENDED']);

    expect((await admin.call('POST', `${users}/${eve.id}/restore`)).status).toBe(200);
    expect(await statusOf((await people.signIn(eve)).client)).toBe(200);
  });

  it('finds people, gives and takes roles, and ends sessions', async () => {
    const found = await admin.call('GET', `${users}?q=${eve.username}`);
    expect(found.json.items).toMatchObject([{ id: eve.id, email: eve.email }]);
    expect((await admin.call('GET', `${users}/${eve.id}`)).json).toMatchObject({ username: eve.username });

    const role = `${users}/${eve.id}/roles/admin`;
    expect((await admin.call('PUT', role)).json.roles).toEqual(['user', 'admin']);
    const { client: other } = await people.signIn(eve, mode);
    expect(await statusOf(other, users)).toBe(200);
    expect((await admin.call('DELETE', role)).json.roles).toEqual(['user']);
    const without = async () => (await statusOf(other, users)) !== 200;
    await waitFor(without, { what: 'the role to be gone', ...promised });

    const { client: caller } = await people.signIn(eve);
    const ended = await admin.call('DELETE', `${users}/${eve.id}/sessions`);
    expect(ended.json).toEqual({ ended: 2 });
    await waitFor(async () => (await statusOf(caller)) === 401, { what: 'posts to refuse', ...promised });
  });

  it('rotates and revokes keys', async () => {
    const list = async (caller = admin): Promise<{ kid: string; state: string }[]> =>
      (await caller.call('GET', keys)).json.keys;
    const rotated = await admin.call('POST', `${keys}/rotate`);
    expect(rotated.status).toBe(200);
    const { kid } = rotated.json;
    await until(
      async () => (await list()).some((key) => key.kid === kid && key.state === 'signing'),
      'the next key to sign',
    );
    const replaced = (await list()).find(({ state }) => state === 'verifying')?.kid;
    const revoked = await admin.call('POST', `${keys}/${replaced}/revoke`, { reason: 'a test' });
    expect(revoked.status).toBe(204);
    const { client: again } = await people.signIn(ada, mode);
    expect((await list(again)).find((key) => key.kid === replaced)?.state).toBe('revoked');
  });

  it('reads what has been done in the audit log, which is intact', async () => {
    const { json } = await admin.call('GET', `${audit}?action=user&limit=100`);
    const actions = json.items.map(({ action }: { action: string }) => action);
    expect(actions).toEqual(expect.arrayContaining(['user.suspended', 'user.restored', 'user.read']));
    const report = await admin.call('POST', `${audit}/verify`, {});
    expect(report.json).toMatchObject({ intact: true, complete: true });
    const { client: other } = await people.signIn(eve, mode);
    expect(await statusOf(other, audit)).toBe(403);
  });

  it('has been through every route of admins', () => {
    const routes = [...authAdminRoutes, ...authKeysRoutes, ...authAuditRoutes];
    expect(notYetCalled(routes, mode)).toEqual([]);
  });
});

it('keys rotate and are revoked while people come and go: no good token is ever refused', async () => {
  const crowd = [await people.register(), await people.register(), await people.register()] as const;
  const wrong: string[] = [];
  const kids = new Set<string>();
  const revoked = new Set<string>();
  let asked = 0;
  let stopped = false;
  const live = async (person: Details) => {
    while (!stopped) {
      const { client: caller } = await people.signIn(person);
      const kid = String(kidOf(caller.token));
      kids.add(kid);
      for (const path of readings) {
        const status = await statusOf(caller, path);
        asked += 1;
        if (status !== 200 && !revoked.has(kid)) wrong.push(`${status} ${path} ${kid}`);
      }
    }
  };
  const traffic = Promise.all(crowd.map(live));
  await until(() => kids.size === 1, 'the first key to be used');
  expect((await operate('keys', 'rotate')).code).toBe(0);
  await until(() => kids.size === 2, 'the next key to be used');

  const [, compromised = ''] = [...kids];
  const { client: stolen } = await people.signIn(crowd[0]);
  revoked.add(compromised);
  const began = performance.now();
  expect(await operate('keys', 'revoke', compromised, '--reason', 'stolen')).toMatchObject({ code: 0 });
  for (const path of readings) {
    const refused = async () => (await statusOf(stolen, path)) === 401;
    await waitFor(refused, { what: `${path} to refuse the key`, timeoutMs: 10_000 });
  }
  const took = Math.round(performance.now() - began);
  await until(() => kids.size === 3, 'the key after it to be used');
  stopped = true;
  await traffic;
  process.stdout.write(`keys: ${asked} requests by ${kids.size} keys; revoked everywhere after ${took} ms\n`);
  expect(wrong).toEqual([]);
}, 120_000);

it('what operators have done is in the audit log, and they verify it too', async () => {
  const { json } = await admins.bearer.call('GET', `${audit}?action=signing_key`);
  const done = json.items.map(({ action, actor }: { action: string; actor: { kind: string } }) => [
    action,
    actor.kind,
  ]);
  expect(done).toContainEqual(['signing_key.revoked', 'operator']);
  expect(done).toContainEqual(['signing_key.revoked', 'user']);
  expect(await operate('audit', 'verify')).toMatchObject({
    code: 0,
    text: expect.stringMatching(/The log is intact/),
  });
});
