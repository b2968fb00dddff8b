import { readFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { serviceRoutes, type RouteContract } from '@rostrum/contracts';
import { startOtlpCollector, waitFor, type OtlpCollector } from '@rostrum/testing';
import { signUp, startSystem, type System } from './system';

let collector: OtlpCollector;
let system: System;

beforeAll(async () => {
  collector = await startOtlpCollector();
  system = await startSystem({ otlpEndpoint: collector.url });
}, 90_000);

afterAll(async () => {
  await system?.stop();
  await collector?.close();
}, 60_000);

/** Each place has a secret of its own, so that one that gets out says from where. */
const planted = new Map<string, string>();

let sent = 0;

function canary(place: string): string {
  const secret = `canary${randomBytes(12).toString('hex')}`;
  planted.set(secret, place);
  return secret;
}

const headerNames = [
  'authorization',
  'cookie',
  'x-api-key',
  'x-csrf-token',
  'x-auth-token',
  'proxy-authorization',
  'user-agent',
  'referer',
  'origin',
  'x-forwarded-for',
  'x-forwarded-user',
  'x-real-ip',
  'x-request-id',
  'tracestate',
  'accept',
  'accept-language',
  'if-none-match',
  'idempotency-key',
  'x-anything-else',
];

const valueOf: Record<string, (secret: string) => string> = {
  authorization: (secret) => `Bearer ${secret}`,
  cookie: (secret) => `session=${secret}; theme=dark`,
  'x-request-id': (secret) => `${secret} not well-formed`,
  tracestate: (secret) => `vendor=${secret}`,
};

async function send(
  route: RouteContract,
  headers: Record<string, string>,
  more: { query?: string; body?: object } = {},
) {
  const path = route.path
    .replace(/:id|:userId/g, '0190b5a0-0000-7000-8000-000000000000')
    .replace(/:\w+/g, 'nobody');
  const body = route.method === 'get' ? undefined : JSON.stringify(more.body ?? {});
  sent += 1;
  const response = await system.ask(`${path}${more.query ?? ''}`, {
    method: route.method.toUpperCase(),
    headers: { 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body }),
  });
  return response.text();
}

const fieldNames = ['email', 'username', 'password', 'identifier', 'text', 'ids', 'token', 'anything'];
const queryNames = ['access_token', 'ticket', 'token', 'password', 'cursor', 'q'];

async function plantEverywhere(route: RouteContract): Promise<void> {
  const at = `${route.method} ${route.path}`;
  // Some routes end the session that they are called with.
  const ada = await signUp(system);
  planted.set(ada.token, `${at}: an access token`);
  const signedIn = { authorization: ada.headers['authorization'] ?? '' };
  for (const name of headerNames) {
    const secret = canary(`${at}: header ${name}`);
    await send(route, {
      ...(name !== 'authorization' && signedIn),
      [name]: (valueOf[name] ?? String)(secret),
    });
  }
  for (const name of queryNames)
    await send(route, signedIn, { query: `?${name}=${canary(`${at}: query ${name}`)}` });
  const body = Object.fromEntries(fieldNames.map((name) => [name, canary(`${at}: field ${name}`)]));
  await send(route, signedIn, { body });
  await send(route, signedIn, { body: { ...body, nested: [{ deeper: canary(`${at}: nested field`) }] } });
}

async function signUpWithSecrets(): Promise<void> {
  const email = `${canary('a valid email')}@example.com`;
  const password = canary('a valid password');
  const body = { email, username: `c${randomBytes(8).toString('hex')}`, password };
  const json = { 'content-type': 'application/json' };
  const register = () =>
    system.ask('/api/v1/auth/register', { method: 'POST', headers: json, body: JSON.stringify(body) });
  expect((await register()).status).toBe(201);
  expect((await register()).status).toBe(409);
  const credentials = [password, canary('a wrong password')].map((tried) =>
    JSON.stringify({ identifier: email, password: tried }),
  );
  for (const sent of credentials)
    await system.ask('/api/v1/auth/login', { method: 'POST', headers: json, body: sent });
}

it('no secret that is sent in comes out in logs, traces or metrics', async () => {
  await signUpWithSecrets();
  for (const route of Object.values(serviceRoutes).flat()) await plantEverywhere(route);
  // Spans, lines and counts of the last request are out only when those of all before it are.
  const traceId = randomBytes(16).toString('hex');
  const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
  const ada = await signUp(system);
  const last = await system.ask('/api/v1/feed', {
    headers: { ...ada.headers, 'x-request-id': 'the-last-request', traceparent },
  });
  expect(last.status).toBe(200);
  await waitFor(() => system.mains.posts.some((one) => one.linesOf('the-last-request').length > 0));
  await waitFor(() => readFileSync(system.gateway.accessLogFile, 'utf8').includes('the-last-request'), {
    timeoutMs: 15_000,
  });
  await collector.waitForTrace(traceId, (spans) => spans.length > 0, 20_000);
  const metrics = await Promise.all(
    [...system.processes().map(({ opsUrl }) => opsUrl), system.gateway.internalUrl].map(async (url) =>
      (await fetch(new URL('/metrics', url))).text(),
    ),
  );
  const outlets = {
    logs: system.processes().flatMap(({ lines }) => lines.map((line) => JSON.stringify(line))),
    gateway: [
      readFileSync(system.gateway.accessLogFile, 'utf8'),
      readFileSync(system.gateway.logFile, 'utf8'),
    ],
    traces: [collector.text()],
    metrics,
  };
  expect(planted.size).toBeGreaterThan(400);
  // Each request has left a line at least: there is something to look through.
  expect(sent).toBeGreaterThan(300);
  expect(outlets.logs.length).toBeGreaterThanOrEqual(sent);
  for (const [outlet, texts] of Object.entries(outlets)) {
    const all = texts.join('\n');
    const found = [...planted].filter(([secret]) => all.includes(secret)).map(([, place]) => place);
    expect({ outlet, found }).toEqual({ outlet, found: [] });
  }
}, 600_000);
