import fs from 'node:fs';
import path from 'node:path';
import { waitFor } from '@rostrum/testing';
import { stringify } from 'yaml';
import { startBackend, type Backend } from '../gateway/backend';
import { startSystem, type System } from '../system/system';
import { modes, People, type Client, type Details, type Mode } from './people';

/** Six processes and a gateway, on a machine that has other things to do. */
const patientMs = 180_000;

let dashboard: Backend;
let system: System;
let people: People;
let ada: Details & { id: string };

beforeAll(async () => {
  dashboard = await startBackend('dashboard');
  system = await startSystem();
  people = new People(system);
  ada = await people.register();
  const [auth] = system.mains.auth;
  expect(await auth?.command('operate', ['admin', 'grant', ada.username, 'admin'])).toMatchObject({
    code: 0,
  });
  addRoutes();
  // Until the gateway has read them, its answer is its own.
  const known = async () => (await people.client().call('GET', '/any')).json.code === 'UNAUTHORIZED';
  await waitFor(known, { what: 'the routes to be in force', timeoutMs: 30_000 });
}, patientMs);
afterAll(async () => {
  await system?.stop();
  await dashboard?.stop();
}, patientMs);

/** Two pages that know nobody, as an operator would add them. */
function addRoutes(): void {
  const page = (rule: string, middleware: string) => ({
    entryPoints: ['websecure'],
    rule,
    middlewares: ['in-flight@file', `${middleware}@file`, 'breaker@file', 'retry@file'],
    service: 'dashboard',
  });
  const http = {
    routers: {
      any: page('Path(`/any`)', 'signed-in'),
      dashboard: page('Path(`/dashboard`)', 'operators-only'),
    },
    services: { dashboard: { loadBalancer: { servers: [{ url: dashboard.url }] } } },
  };
  const draft = path.join(path.dirname(system.routesFolder), 'dashboard.yml');
  fs.writeFileSync(draft, stringify({ http }));
  fs.renameSync(draft, path.join(system.routesFolder, 'dashboard.yml'));
}

async function refusal(caller: Client, target: string, method = 'GET') {
  const before = dashboard.seen.length;
  const { status, json, response } = await caller.call(method, target);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(json.requestId).toBe(response.headers.get('x-request-id'));
  expect(dashboard.seen).toHaveLength(before);
  return [status, json.code];
}

it('nobody gets in without a good token, whatever they claim', async () => {
  const stranger = people.client();
  expect(await refusal(stranger, '/any')).toEqual([401, 'UNAUTHORIZED']);
  stranger.token = 'made.up.token';
  expect(await refusal(stranger, '/dashboard')).toEqual([401, 'UNAUTHORIZED']);
  const claims = { 'x-user-id': ada.id, 'x-user-roles': 'admin' };
  expect((await people.client().call('GET', '/any', undefined, claims)).status).toBe(401);
});

describe.each(modes)('somebody with a session of mode %s', (mode: Mode) => {
  it('gets in, and the page is told who they are', async () => {
    const { client: caller } = await people.signIn(ada, mode);
    const claims = { 'x-user-id': 'somebody else', 'x-user-roles': 'emperor' };
    for (const target of ['/any?range=1h', '/dashboard?range=1h']) {
      const { status, json } = await caller.call('GET', target, undefined, claims);
      expect([status, json.url]).toEqual([200, target]);
      expect(json.headers).toMatchObject({ 'x-user-id': ada.id, 'x-user-roles': 'user,admin' });
      expect(json.headers['x-session-id']).toMatch(/^[0-9a-f-]{36}$/);
    }
    expect((await caller.call('POST', '/any', { a: 1 })).json.body).toBe('{"a":1}');
  });

  it('is refused where their roles do not permit it, and when their session is over', async () => {
    const eve = await people.register();
    const { client: caller } = await people.signIn(eve, mode);
    expect((await caller.call('GET', '/any')).status).toBe(200);
    expect(await refusal(caller, '/dashboard')).toEqual([403, 'FORBIDDEN']);
    const { client: elsewhere } = await people.signIn(eve);
    await elsewhere.call('DELETE', '/api/v1/auth/sessions?except=current');
    const over = async () => (await caller.call('GET', '/any')).status === 401;
    await waitFor(over, { what: 'the session to be refused', timeoutMs: 5_000 });
  });
});

it('another site changes nothing with the cookies of a browser', async () => {
  const { client: caller } = await people.signIn(ada, 'cookie');
  const cookie = [...caller.cookies].map((pair) => pair.join('=')).join('; ');
  const before = dashboard.seen.length;
  const response = await system.ask('/any', {
    method: 'POST',
    headers: { cookie, origin: 'https://evil.example' },
  });
  expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
    403,
    'CSRF_TOKEN_INVALID',
  ]);
  expect(dashboard.seen).toHaveLength(before);
});
