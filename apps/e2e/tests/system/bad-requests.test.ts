import { signUp, startSystem, type Person, type System } from './system';

let system: System;
let ada: Person;

beforeAll(async () => {
  system = await startSystem();
  ada = await signUp(system);
}, 90_000);

afterAll(() => system?.stop(), 60_000);

const json = { 'content-type': 'application/json' };
const bytes = (text: string) => Buffer.from(text, 'latin1');

it.each<
  [string, string, { method?: string; headers?: Record<string, string>; body?: string | Buffer }, number]
>([
  ['malformed JSON', '/api/v1/auth/login', { method: 'POST', headers: json, body: '{"identifier":' }, 400],
  [
    'a wrong type',
    '/api/v1/auth/login',
    { method: 'POST', headers: json, body: '{"identifier":7,"password":true}' },
    400,
  ],
  [
    'an unknown field',
    '/api/v1/auth/register',
    { method: 'POST', headers: json, body: '{"role":"admin"}' },
    400,
  ],
  ['11 MB', '/api/v1/posts', { method: 'POST', headers: json, body: 'a'.repeat(11_000_000) }, 413],
  [
    'bad UTF-8',
    '/api/v1/auth/login',
    { method: 'POST', headers: json, body: bytes('{"identifier":"\xff"}') },
    400,
  ],
  [
    'no JSON',
    '/api/v1/auth/login',
    { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'hello' },
    415,
  ],
  ['100 kB of headers', '/api/v1/feed', { headers: { 'x-large': 'a'.repeat(100_000) } }, 431],
  ['an unknown route', '/api/v2/posts', {}, 404],
  ['an unknown route of a service', '/api/v1/auth/nothing', {}, 404],
  ['a method that the route does not have', '/api/v1/feed', { method: 'DELETE' }, 405],
  ['a cursor that is not ours', '/api/v1/feed?cursor=AAAA', {}, 400],
  ['a limit beyond the limit', '/api/v1/feed?limit=1000', {}, 400],
  ['no token', '/api/v1/feed', { headers: { authorization: '' } }, 401],
])('%s is a clear problem, and every process lives', async (_, path, init, status) => {
  const pids = system.processes().map(({ pid }) => pid);
  const authorization = ada.headers['authorization'] ?? '';
  const response = await system.ask(path, { ...init, headers: { authorization, ...init.headers } });
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toMatch('application/problem+json');
  // A head that cannot be parsed does not tell the service its id; the gateway's answer has it all the same.
  const requestId = response.headers.get('x-request-id');
  expect(requestId).toMatch(/^[\w.-]{8,64}$/);
  const body = await response.json();
  expect(body).toMatchObject({
    status,
    code: expect.any(String),
    requestId: status === 431 ? '' : requestId,
  });
  expect((await system.ask('/api/v1/feed', { headers: ada.headers })).status).toBe(200);
  expect(system.processes().map(({ pid }) => pid)).toEqual(pids);
});
