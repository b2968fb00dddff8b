import { request as httpRequest } from 'node:http';
import { authCookies, csrfHeader, defineRoute } from '@rostrum/contracts';
import { z } from 'zod';
import { startTestService, type TestService } from './test-service';

const about = {
  tags: ['test'],
  summary: 'A route of the tests',
  auth: 'user',
  path: '/api/v1/things',
} as const;
const body = z.strictObject({ text: z.string() }).optional();
const done = { 204: { description: 'Done' } };
const readThings = defineRoute({ ...about, method: 'get', operationId: 'read', responses: done });
const addThing = defineRoute({ ...about, method: 'post', operationId: 'add', body, responses: done });
const removeThings = defineRoute({ ...about, method: 'delete', operationId: 'remove', responses: done });

const csrf = 'what only our own pages can read';
const app = 'https://app.example';
let running: TestService;
let cookie: string;

beforeAll(async () => {
  running = await startTestService(
    {
      routes: (binder) => {
        for (const route of [readThings, addThing, removeThings])
          binder.bind(route as typeof readThings, () => ({ status: 204 }));
      },
    },
    { CORS_ALLOWED_ORIGINS: app, TRUSTED_PROXIES: '127.0.0.1' },
  );
  cookie = `theme=dark; ${authCookies.access}=${await running.token(csrf)}; lang=en`;
});
afterAll(() => running.service.stop('the tests are over'));

/** Not with fetch: that one minds which headers a page may set. */
function ask(method: string, headers: Record<string, string>): Promise<[status: number, code: string]> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(`${running.url}/api/v1/things`, { method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve([response.statusCode ?? 0, text === '' ? '' : (JSON.parse(text) as { code: string }).code]);
      });
    });
    sent.on('error', reject);
    sent.end();
  });
}

const own = { 'sec-fetch-site': 'same-origin' };

it('a cookie signs in as well as a bearer token, also without a body where one is optional', async () => {
  expect(await ask('GET', { cookie })).toEqual([204, '']);
  for (const method of ['POST', 'DELETE'])
    expect(await ask(method, { cookie, ...own, [csrfHeader]: csrf })).toEqual([204, '']);
});

it('a bearer token needs nothing else: no page can make a browser send one', async () => {
  const authorization = `Bearer ${await running.token()}`;
  expect(await ask('DELETE', { authorization, origin: 'https://evil.example' })).toEqual([204, '']);
});

it('a bearer header that is no good is not made good by a cookie', async () => {
  expect(await ask('GET', { cookie, authorization: 'Basic abc' })).toEqual([401, 'UNAUTHORIZED']);
});

it.each([
  ['another name that ends alike', (token: string) => `x${authCookies.access}=${token}`],
  ['another case', (token: string) => `${authCookies.access.toUpperCase()}=${token}`],
  ['nothing in it', () => `${authCookies.access}=`],
])('a cookie with %s is none', async (_, make) => {
  expect(await ask('GET', { cookie: make(await running.token(csrf)) })).toEqual([401, 'UNAUTHORIZED']);
});

describe('what changes something and comes with a cookie', () => {
  const host = () => new URL(running.url).host;

  it.each<[string, () => Record<string, string>]>([
    ['a page of this site', () => own],
    ['a page that is allowed, elsewhere', () => ({ 'sec-fetch-site': 'cross-site', origin: app })],
    ['an old browser, which tells the origin alone', () => ({ origin: `http://${host()}` })],
    ['the same behind TLS', () => ({ origin: `https://${host()}`, 'x-forwarded-proto': 'https' })],
  ])('is done for %s', async (_, headers) => {
    expect(await ask('DELETE', { cookie, [csrfHeader]: csrf, ...headers() })).toEqual([204, '']);
  });

  it.each<[string, () => Record<string, string>]>([
    ['another site', () => ({ 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' })],
    ['a sister site', () => ({ 'sec-fetch-site': 'same-site', origin: 'https://evil.app.example' })],
    ['another site in an old browser', () => ({ origin: 'https://evil.example' })],
    ['a sandbox', () => ({ origin: 'null' })],
    ['this site without TLS', () => ({ origin: `http://${host()}`, 'x-forwarded-proto': 'https' })],
    ['an address that was typed', () => ({ 'sec-fetch-site': 'none' })],
    ['nobody knows where', () => ({})],
  ])('is refused from %s', async (_, headers) => {
    const answer = await ask('DELETE', { cookie, [csrfHeader]: csrf, ...headers() });
    expect(answer).toEqual([403, 'CROSS_SITE_REQUEST']);
  });

  it.each<[string, Record<string, string>]>([
    ['without the token', {}],
    ['with a wrong token', { [csrfHeader]: `${csrf}.` }],
    ['with an empty token', { [csrfHeader]: '' }],
  ])('is refused %s', async (_, headers) => {
    expect(await ask('DELETE', { cookie, ...own, ...headers })).toEqual([403, 'CSRF_TOKEN_INVALID']);
  });

  it('is refused where the token in the cookie was not made for cookies', async () => {
    const bare = `${authCookies.access}=${await running.token()}`;
    const answer = await ask('DELETE', { cookie: bare, ...own, [csrfHeader]: 'undefined' });
    expect(answer).toEqual([403, 'CSRF_TOKEN_INVALID']);
  });
});
