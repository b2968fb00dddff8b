import { Agent, request } from 'node:http';
import { once } from 'node:events';
import { connect } from 'node:net';
import { waitFor } from '@rostrum/testing';
import { opsToken, startTestService, type TestService } from './test-service';

type Ops = { status: number; body: Record<string, unknown> };

async function ops(running: TestService, path: string, init: RequestInit = {}): Promise<Ops> {
  const response = await fetch(running.opsUrl + path, init);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const admin = { headers: { authorization: `Bearer ${opsToken}` } };

/** A dependency whose state the test decides. */
class Switch {
  up = true;
  hangs = false;

  check = (): Promise<void> => {
    if (this.hangs) return new Promise(() => undefined);
    return this.up
      ? Promise.resolve()
      : Promise.reject(Object.assign(new Error('secret host'), { code: 'ECONNREFUSED' }));
  };
}

describe('probes', () => {
  const critical = new Switch();
  const degradable = new Switch();
  let running: TestService;

  beforeAll(async () => {
    running = await startTestService({
      dependencies: [
        { name: 'postgres', criticality: 'critical', check: critical.check },
        { name: 'redis', criticality: 'degradable', check: degradable.check },
      ],
    });
  });
  afterAll(() => running.service.stop('the tests are over'));

  const readiness = () => ops(running, '/readyz');

  it('are well while everything is', async () => {
    expect(await ops(running, '/healthz')).toEqual({ status: 200, body: { status: 'ok' } });
    expect(await readiness()).toEqual({
      status: 200,
      body: { status: 'ready', degraded: [], down: [], draining: false },
    });
    expect((await fetch(`${running.url}/readyz`)).status).toBe(200);
  });

  it('stay ready, and say so, without what can be done without', async () => {
    degradable.up = false;
    await waitFor(async () => (await readiness()).body['status'] === 'degraded');
    expect(await readiness()).toMatchObject({ status: 200, body: { degraded: ['redis'], down: [] } });
    degradable.up = true;
    await waitFor(async () => (await readiness()).body['status'] === 'ready');
  });

  it.each(['down', 'silent'])('are not ready while something critical is %s, but alive', async (how) => {
    if (how === 'down') critical.up = false;
    else critical.hangs = true;
    await waitFor(async () => (await readiness()).status === 503);
    expect(await readiness()).toMatchObject({
      status: 503,
      body: { status: 'not ready', down: ['postgres'] },
    });
    expect((await ops(running, '/healthz')).status).toBe(200);
    expect((await fetch(`${running.url}/healthz`)).status).toBe(200);
    critical.up = true;
    critical.hangs = false;
    await waitFor(async () => (await readiness()).status === 200);
  });

  it('tell each dependency’s state, latency and criticality, but no error text', async () => {
    critical.up = false;
    await waitFor(async () => (await readiness()).status === 503);
    const { status, body } = await ops(running, '/healthz/ready');
    expect(status).toBe(503);
    expect(body['dependencies']).toEqual([
      {
        name: 'postgres',
        criticality: 'critical',
        status: 'down',
        latencyMs: expect.any(Number),
        checkedAt: expect.any(String),
        error: 'ECONNREFUSED',
      },
      expect.objectContaining({ name: 'redis', criticality: 'degradable', status: 'up', error: null }),
    ]);
    expect(JSON.stringify(body)).not.toContain('secret host');
    critical.up = true;
    await waitFor(async () => (await readiness()).status === 200);
  });

  it('tell in detail that the process lives', async () => {
    expect(await ops(running, '/healthz/live')).toMatchObject({
      status: 200,
      body: { status: 'ok', uptimeSeconds: expect.any(Number), memoryBytes: { rss: expect.any(Number) } },
    });
  });
});

describe('the ops port', () => {
  let running: TestService;
  beforeAll(async () => {
    running = await startTestService();
  });
  afterAll(() => running.service.stop('the tests are over'));

  it('gives metrics by route pattern, primed at zero', async () => {
    await fetch(`${running.url}/nowhere/at/all`);
    await waitFor(async () => {
      const text = await (await fetch(`${running.opsUrl}/metrics`)).text();
      return /http_requests_total\{[^}]*status="404"[^}]*\} 1/.test(text);
    });
    const text = await (await fetch(`${running.opsUrl}/metrics`)).text();
    expect(text).toMatch(/http_request_duration_seconds_count\{[^}]*route="\/api\/v1\/items\/:id"[^}]*\} 0/);
    expect(text).not.toContain('/nowhere');
    expect(text).toMatch(/errors_total\{[^}]*type="ROUTE_NOT_FOUND"[^}]*\} 1/);
    expect(text).toContain('nodejs_eventloop_lag');
  });

  it('changes the log level at run time, for who has the token', async () => {
    expect((await ops(running, '/admin/log-level?level=debug', { method: 'PUT' })).status).toBe(403);
    const wrong = { method: 'PUT', headers: { authorization: 'Bearer wrong' } };
    expect((await ops(running, '/admin/log-level?level=debug', wrong)).status).toBe(403);
    expect((await ops(running, '/admin/log-level?level=loud', { method: 'PUT', ...admin })).status).toBe(400);
    expect(await ops(running, '/admin/log-level?level=debug', { method: 'PUT', ...admin })).toEqual({
      status: 200,
      body: { level: 'debug' },
    });
    expect((await ops(running, '/admin/log-level', admin)).body).toEqual({ level: 'debug' });
  });

  it('records a CPU and an allocation profile', async () => {
    const cpu = await ops(running, '/admin/cpu-profile?seconds=0.05', { method: 'POST', ...admin });
    expect(cpu.body).toMatchObject({ nodes: expect.any(Array), samples: expect.any(Array) });
    const heap = await ops(running, '/admin/heap-profile?seconds=0.05', { method: 'POST', ...admin });
    expect(heap.body).toMatchObject({ head: expect.any(Object) });
    expect((await ops(running, '/admin/cpu-profile?seconds=9999', { method: 'POST', ...admin })).status).toBe(
      400,
    );
  });

  it('knows nothing else', async () => {
    expect((await ops(running, '/api/v1/items/abc')).status).toBe(404);
    expect((await ops(running, '/metrics', { method: 'POST' })).status).toBe(404);
  });
});

it('without OPS_TOKEN there are no admin actions', async () => {
  const running = await startTestService({}, { OPS_TOKEN: '' });
  expect(
    (await ops(running, '/admin/log-level', { headers: { authorization: 'Bearer undefined' } })).status,
  ).toBe(403);
  await running.service.stop('the test is over');
});

describe('stopping', () => {
  it('fails readiness first and serves on, then ends everything in order', async () => {
    const order: string[] = [];
    const note = (name: string) => ({ name, close: () => void order.push(name) });
    const running = await startTestService(
      {
        work: [
          {
            name: 'consumer',
            start: () => void order.push('consumer started'),
            stop: () => void order.push('consumer'),
          },
        ],
        resources: [note('postgres'), note('redis')],
      },
      { SHUTDOWN_PROPAGATION_MS: '300' },
    );
    const stopped = running.service.stop('a test');
    await waitFor(async () => (await ops(running, '/readyz')).status === 503);
    const served = await fetch(`${running.url}/healthz`);
    expect(served.status).toBe(200);
    expect(served.headers.get('connection')).toBe('close');
    const result = await stopped;
    expect(result.ok).toBe(true);
    expect(order).toEqual(['consumer started', 'consumer', 'postgres', 'redis']);
    expect(result.phases.map(({ name }) => name)).toEqual([
      'readiness',
      'propagation',
      'requests',
      'consumer',
      'connections',
      'health checks',
      'postgres',
      'redis',
      'telemetry',
      'ops port',
    ]);
    await expect(fetch(`${running.url}/healthz`)).rejects.toThrow();
    await expect(fetch(`${running.opsUrl}/healthz`)).rejects.toThrow();
  });

  it('answers what is in flight, takes nothing new, and closes idle connections', async () => {
    const running = await startTestService();
    const idle = connect(running.port, '127.0.0.1');
    await once(idle, 'connect');
    const agent = new Agent({ keepAlive: true });
    const answer = new Promise<{ status: number | undefined; connection: string | undefined }>(
      (resolve, reject) => {
        request(`${running.url}/api/v1/fail/wait`, { agent }, (response) => {
          response
            .resume()
            .on('end', () =>
              resolve({ status: response.statusCode, connection: response.headers.connection }),
            );
        })
          .on('error', reject)
          .end();
      },
    );
    await waitFor(() => running.gate.waiting === 1);
    const stopped = running.service.stop('a test');
    await waitFor(() =>
      fetch(`${running.url}/healthz`).then(
        () => false,
        () => true,
      ),
    );
    running.gate.open();
    expect(await answer).toEqual({ status: 200, connection: 'close' });
    expect((await stopped).ok).toBe(true);
    agent.destroy();
    idle.destroy();
  });

  it('names the request that will not end, and still closes what comes after it', async () => {
    const closed: string[] = [];
    const running = await startTestService(
      { resources: [{ name: 'postgres', close: () => void closed.push('postgres') }] },
      { SHUTDOWN_DRAIN_MS: '50' },
    );
    const cut = fetch(`${running.url}/api/v1/fail/wait`).catch((error: Error) => error.message);
    await waitFor(() => running.gate.waiting === 1);
    const result = await running.service.stop('a test');
    expect(result).toMatchObject({ ok: false, stuck: 'requests (GET /api/v1/fail/:how)' });
    expect(closed).toEqual(['postgres']);
    expect(await cut).toBe('fetch failed');
    running.gate.open();
  });

  it('happens once, however often it is asked for', async () => {
    let closed = 0;
    const running = await startTestService({
      resources: [{ name: 'redis', close: () => void (closed += 1) }],
    });
    await Promise.all([running.service.stop('one'), running.service.stop('two')]);
    expect(closed).toBe(1);
  });
});
