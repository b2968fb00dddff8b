import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readConfig } from '@rostrum/config';
import { runWithContext } from '@rostrum/observability';
import { remoteKeySet } from '@rostrum/security';
import { recordingLogger, waitFor } from '@rostrum/testing';
import { defineRoute } from '@rostrum/contracts';
import {
  createKit,
  openAuthClient,
  openHttpClient,
  type Kit,
  type OpenHttpClient,
  type RouteBinder,
} from '../src/index';
import { kitSpec, startTestService, testEnvironment } from './test-service';

/** Stands for another service; answers what the test says. */
class Partner {
  status = 200;
  silent = false;
  abandoned = 0;
  readonly seen: IncomingHttpHeaders[] = [];
  private readonly server: Server = createServer((request, response) => {
    this.seen.push(request.headers);
    response.once('close', () => {
      if (!response.writableFinished) this.abandoned += 1;
    });
    if (this.silent) return;
    response.writeHead(this.status, { 'cache-control': 'max-age=0' }).end('{"keys":[]}');
  });

  async start(): Promise<string> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

const log = recordingLogger();
const partner = new Partner();
let origin: string;
let kit: Kit;
const opened: OpenHttpClient[] = [];

beforeAll(async () => {
  origin = await partner.start();
});
beforeEach(() => {
  partner.status = 200;
  partner.silent = false;
  partner.abandoned = 0;
  partner.seen.length = 0;
  kit = createKit(
    { service: 'posts', role: 'main' },
    readConfig(kitSpec, { ...testEnvironment, TRACING_ENABLED: 'true', TRACING_SAMPLING_RATE: '0' }),
    { logger: log.logger },
  );
});
afterEach(async () => {
  for (const { resource } of opened.splice(0)) await resource.close();
  await kit.tracing.shutdown();
  kit.metrics.close();
});
afterAll(async () => {
  await partner.stop();
  await log.close();
});

function keep(client: OpenHttpClient): OpenHttpClient {
  opened.push(client);
  return client;
}

const metrics = async () => (await kit.metrics.render()).body;

it('passes on the request id and the trace of whoever calls, sampled or not', async () => {
  const { client } = keep(openHttpClient(kit, { name: 'partner' }));
  for (const sampled of ['00', '01']) {
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-${sampled}`;
    const context = kit.tracing.begin(traceparent, `request-${sampled}`, 'vendor=1');
    await runWithContext(context, () => client.request(origin));
    expect(partner.seen.at(-1)).toMatchObject({
      'x-request-id': `request-${sampled}`,
      traceparent: expect.stringMatching(new RegExp(`^00-a{32}-[0-9a-f]{16}-${sampled}$`)),
      tracestate: 'vendor=1',
    });
  }
  await client.request(origin);
  expect(partner.seen.at(-1)).not.toHaveProperty('x-request-id');
});

it('is measured by what became of each try, with one series for all clients of a name', async () => {
  const first = keep(openHttpClient(kit, { name: 'partner' }));
  keep(openHttpClient(kit, { name: 'other' }));
  await first.client.request(origin);
  partner.status = 404;
  await first.client.request(`${origin}/a/path/that/is/no/label`);
  const text = await metrics();
  for (const outcome of ['2xx', '4xx']) {
    expect(text).toMatch(
      new RegExp(
        `http_client_request_duration_seconds_count\\{[^}]*client="partner",method="GET",outcome="${outcome}"[^}]*\\} 1`,
      ),
    );
  }
  expect(text).not.toContain('no/label');
});

it('has its circuits where operators find them, as long as it lives', async () => {
  const { client, resource } = keep(openHttpClient(kit, { name: 'partner', retries: 0 }));
  partner.status = 500;
  for (let i = 0; i < 5; i += 1) await expect(client.request(origin)).rejects.toMatchObject({ status: 503 });
  const name = `partner ${new URL(origin).host}`;
  const list = async () =>
    (await kit.breakers.actions()['GET /admin/breakers']?.(new URLSearchParams()))?.body;
  expect(await list()).toMatchObject({ breakers: [{ name, state: 'open' }] });
  expect(await metrics()).toMatch(new RegExp(`circuit_breaker_state\\{[^}]*name="${name}"[^}]*\\} 2`));
  expect(await metrics()).toMatch(
    new RegExp(`circuit_breaker_failures_total\\{[^}]*name="${name}"[^}]*\\} 5`),
  );
  await kit.breakers.actions()['POST /admin/breakers/reset']?.(new URLSearchParams({ name }));
  partner.status = 200;
  expect((await client.request(origin)).status).toBe(200);
  await resource.close();
  expect(await list()).toEqual({ breakers: [] });
  expect(await metrics()).not.toContain(name);
});

const callPartner = defineRoute({
  tags: ['test'],
  summary: 'A route of the tests',
  method: 'get',
  path: '/api/v1/partner',
  operationId: 'callPartner',
  auth: 'none',
  responses: { 204: { description: 'Called' } },
});

it('a call ends with the request that it is made for, when its client goes or it takes too long', async () => {
  const limits = { timeoutMs: 60_000, attemptTimeoutMs: 60_000 };
  const { client } = keep(openHttpClient(kit, { name: 'partner', ...limits }));
  const routes = (binder: RouteBinder) =>
    binder.bind(callPartner, async ({ signal }) => {
      await client.request(origin, { signal });
      return { status: 204 };
    });
  partner.silent = true;
  const patient = await startTestService({ routes });
  const impatient = await startTestService({ routes }, { REQUEST_TIMEOUT_MS: '100' });

  const caller = new AbortController();
  const asked = fetch(`${patient.url}/api/v1/partner`, { signal: caller.signal });
  await waitFor(() => partner.seen.length === 1);
  caller.abort();
  await expect(asked).rejects.toThrow('aborted');
  await waitFor(() => partner.abandoned === 1, { what: 'the end of the call' });

  const late = await fetch(`${impatient.url}/api/v1/partner`);
  expect([late.status, await late.json()]).toMatchObject([503, { code: 'DEADLINE_EXCEEDED' }]);
  await waitFor(() => partner.abandoned === 2, { what: 'the end of the second call' });
  expect(await metrics()).toMatch(/circuit_breaker_failures_total\{[^}]*\} 0/);
  for (const { service } of [patient, impatient]) await service.stop('the test is over');
});

it('what is called in other ways has circuits there too, each with a name of its own', async () => {
  const policy = kit.breakers.openPolicy({ name: 'kms', timeoutMs: 10_000 }, 'known keys stay in use');
  for (let i = 0; i < 5; i += 1)
    await policy.execute(() => Promise.reject(new Error('down'))).catch(() => undefined);
  const list = (await kit.breakers.actions()['GET /admin/breakers']?.(new URLSearchParams()))?.body;
  expect(list).toMatchObject({
    breakers: [{ name: 'kms', state: 'open', whenOpen: 'known keys stay in use' }],
  });
  expect(() => kit.breakers.openPolicy({ name: 'kms', timeoutMs: 1 })).toThrow('two circuit breakers');
  policy.dispose();
});

it('auth is left alone while it is down, and asked for its keys until it is back', async () => {
  const { fetch, resource } = keep(openAuthClient(kit, `${origin}/.well-known/jwks.json`));
  expect(resource.name).toBe('auth');
  const keys = remoteKeySet(`${origin}/.well-known/jwks.json`, { fetch });
  partner.status = 503;
  for (let i = 0; i < 3; i += 1) await expect(keys.reload()).rejects.toMatchObject({ status: 503 });
  expect(await metrics()).toMatch(/circuit_breaker_state\{[^}]*name="auth"[^}]*\} 2/);
  partner.status = 200;
  const backAt = performance.now();
  await waitFor(() => keys.reload().then(() => true), { timeoutMs: 10_000, what: 'the keys' });
  process.stdout.write(`auth: back after ${Math.round(performance.now() - backAt)} ms\n`);
  expect(await metrics()).toMatch(/circuit_breaker_state\{[^}]*name="auth"[^}]*\} 0/);
});
