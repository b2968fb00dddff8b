import { createMetrics, type Metrics } from '../src';
import { parseExposition, type ParsedFamily } from './strict-exposition';

const OPENMETRICS = 'application/openmetrics-text; version=1.0.0';

let metrics: Metrics;

beforeEach(() => {
  metrics = createMetrics({ service: 'posts' });
});

afterEach(() => metrics.close());

async function scrape(accept?: string): Promise<ParsedFamily[]> {
  const { body, contentType } = await metrics.render(accept);
  return parseExposition(
    body,
    contentType.startsWith('application/openmetrics') ? 'openmetrics' : 'prometheus',
  );
}

async function family(name: string, accept?: string): Promise<ParsedFamily> {
  const found = (await scrape(accept)).find((one) => one.name === name);
  if (!found) throw new Error(`No ${name}`);
  return found;
}

const value = (from: ParsedFamily, labels: Record<string, string>, name = from.name) =>
  from.samples.find(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([key, is]) => sample.labels[key] === is),
  )?.value;

describe('requests', () => {
  test('are counted and measured by method, route and status', async () => {
    metrics.httpRequest('GET', '/api/v1/posts/:id', 200, 0.003);
    metrics.httpRequest('GET', '/api/v1/posts/:id', 200, 0.15);
    metrics.httpRequest('GET', '/api/v1/posts/:id', 404, 0.001);
    metrics.httpRequest('GET', '/api/v1/posts/:id', 200, 99);
    const total = await family('http_requests_total');
    const ok = { method: 'GET', route: '/api/v1/posts/:id', status: '200', service: 'posts' };
    expect(value(total, ok)).toBe(3);
    expect(value(total, { ...ok, status: '404' })).toBe(1);
    const seconds = await family('http_request_duration_seconds');
    expect(value(seconds, { ...ok, le: '0.0025' }, 'http_request_duration_seconds_bucket')).toBe(0);
    expect(value(seconds, { ...ok, le: '0.005' }, 'http_request_duration_seconds_bucket')).toBe(1);
    expect(value(seconds, { ...ok, le: '0.2' }, 'http_request_duration_seconds_bucket')).toBe(2);
    expect(value(seconds, { ...ok, le: '10' }, 'http_request_duration_seconds_bucket')).toBe(2);
    expect(value(seconds, { ...ok, le: '+Inf' }, 'http_request_duration_seconds_bucket')).toBe(3);
    expect(value(seconds, ok, 'http_request_duration_seconds_sum')).toBeCloseTo(99.153);
  });

  test('a value at a bound is in its bucket', async () => {
    metrics.httpRequest('GET', '/', 200, 0.2);
    const seconds = await family('http_request_duration_seconds');
    expect(value(seconds, { le: '0.1' }, 'http_request_duration_seconds_bucket')).toBe(0);
    expect(value(seconds, { le: '0.2' }, 'http_request_duration_seconds_bucket')).toBe(1);
  });

  test('a primed route is there at zero', async () => {
    metrics.primeRoute('GET', '/api/v1/feed');
    metrics.primeRoute('POST', '/api/v1/posts', [201, 500]);
    const total = await family('http_requests_total');
    expect(value(total, { method: 'GET', route: '/api/v1/feed', status: '200' })).toBe(0);
    expect(value(total, { method: 'GET', route: '/api/v1/feed', status: '500' })).toBe(0);
    expect(value(total, { method: 'POST', route: '/api/v1/posts', status: '201' })).toBe(0);
  });

  test('a sampled one is the exemplar of its bucket, in OpenMetrics only', async () => {
    const traceId = 'ab'.repeat(16);
    const before = Date.now() / 1000;
    metrics.httpRequest('GET', '/', 200, 0.003, traceId);
    metrics.httpRequest('GET', '/', 200, 0.004);
    metrics.httpRequest('GET', '/', 200, 77, 'cd'.repeat(16));
    const seconds = await family('http_request_duration_seconds', OPENMETRICS);
    const exemplars = seconds.samples.filter((sample) => sample.exemplar);
    expect(exemplars.map(({ labels, exemplar }) => [labels.le, exemplar?.labels, exemplar?.value])).toEqual([
      ['0.005', { trace_id: traceId }, 0.003],
      ['+Inf', { trace_id: 'cd'.repeat(16) }, 77],
    ]);
    expect(exemplars[0]?.exemplar?.timestamp).toBeGreaterThanOrEqual(Math.floor(before));
    expect((await metrics.render()).body).not.toContain(traceId);
  });

  test('foreign methods, statuses and too many routes are one series', async () => {
    const small = createMetrics({ service: 'posts', maxRoutes: 10, maxHttpSeries: 20 });
    small.primeRoute('GET', '/known');
    for (let at = 0; at < 1000; at++) small.httpRequest(`M${at}`, `/random/${at}`, at, 0.001);
    small.httpRequest('GET', '/known', 200, 0.001);
    const { body } = await small.render();
    small.close();
    const total = parseExposition(body, 'prometheus').find(({ name }) => name === 'http_requests_total');
    expect(total?.samples.length).toBeLessThanOrEqual(21);
    expect(total?.samples.reduce((sum, sample) => sum + sample.value, 0)).toBe(1001);
    expect(total?.samples.find(({ labels }) => labels.route === '/known')?.value).toBe(1);
    expect(body).not.toMatch(/M\d+/);
  });

  test('prom-client sees the same figures', async () => {
    metrics.httpRequest('GET', '/', 200, 0.003);
    const text = await metrics.registry.metrics();
    expect(text).toContain('http_requests_total{method="GET",route="/",status="200",service="posts"} 1');
    const json = await metrics.registry.getMetricsAsJSON();
    const histogram = json.find(({ name }) => name === 'http_request_duration_seconds');
    expect(JSON.stringify(histogram)).toContain('"http_request_duration_seconds_count"');
  });
});

describe('both formats', () => {
  test('come from one set of metrics, in any order, without changing it', async () => {
    const posts = metrics.counter('posts_created_total', 'Posts "created",\nby kind \\ all', ['kind']);
    posts.inc({ kind: 'a "quoted" \\ kind\nwith a line' }, 2);
    metrics.gauge('websocket_connections', 'Open sockets').set(7);
    metrics
      .histogram('db_query_duration_seconds', 'Queries', ['operation'])
      .observe({ operation: 'select' }, 0.01);
    metrics.httpRequest('GET', '/', 200, 0.003, 'ab'.repeat(16));
    for (let round = 0; round < 2; round++) {
      const open = await scrape(OPENMETRICS);
      const counter = open.find(({ name }) => name === 'posts_created');
      expect(counter?.samples).toEqual([
        {
          name: 'posts_created_total',
          labels: { kind: 'a "quoted" \\ kind\nwith a line', service: 'posts' },
          value: 2,
        },
      ]);
      expect(counter?.help).toBe('Posts \\"created\\",\\nby kind \\\\ all');
      const plain = await scrape('text/plain');
      expect(plain.find(({ name }) => name === 'posts_created_total')?.samples[0]?.value).toBe(2);
      expect(plain.map(({ name }) => name.replace(/_total$/, ''))).toEqual(open.map(({ name }) => name));
    }
  });

  test('the content type says which', async () => {
    expect((await metrics.render()).contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect((await metrics.render(OPENMETRICS)).contentType).toBe(
      'application/openmetrics-text; version=1.0.0; charset=utf-8',
    );
  });

  test('special numbers are written as the formats want them', async () => {
    const gauge = metrics.gauge('odd', 'Odd values', ['which']);
    gauge.set({ which: 'nan' }, Number.NaN);
    gauge.set({ which: 'up' }, Infinity);
    gauge.set({ which: 'small' }, 1e-9);
    const odd = await family('odd');
    expect(odd.samples.map((sample) => sample.value)).toEqual([Number.NaN, Infinity, 1e-9]);
  });
});

describe('factories', () => {
  test('every name of the design can be made', async () => {
    metrics.gauge('websocket_connections', 'Open WebSocket connections');
    metrics.histogram('db_query_duration_seconds', 'Queries', {
      labelNames: ['operation'],
      buckets: [0.01, 0.1, 1],
    });
    metrics.gauge('db_pool_connections', 'Connections', {
      labelNames: ['state'],
      collect: (gauge) => gauge.set({ state: 'idle' }, 3),
    });
    metrics.counter('cache_requests_total', 'Cache', ['cache', 'result']);
    metrics.counter('cache_evictions_total', 'Evictions');
    metrics.counter('rate_limit_rejections_total', 'Rejections', ['policy']);
    metrics.counter('errors_total', 'Errors', ['type']);
    metrics.gauge('circuit_breaker_state', 'State', ['name']);
    metrics.counter('circuit_breaker_failures_total', 'Failures', ['name']);
    metrics.gauge('event_consumer_lag', 'Lag');
    metrics.counter('event_dead_letters_total', 'Dead letters');
    metrics.counter('posts_created_total', 'Posts');
    metrics.counter('notifications_sent_total', 'Notifications');
    metrics.counter('users_registered_total', 'Users');
    metrics.gauge('active_users', 'Users');
    expect(value(await family('db_pool_connections'), { state: 'idle' })).toBe(3);
    await scrape(OPENMETRICS);
  });

  test('refuse what OpenMetrics cannot tell apart', () => {
    expect(() => metrics.counter('posts_created', 'x')).toThrow('posts_created_total');
    metrics.gauge('sockets', 'x');
    expect(() => metrics.counter('sockets_total', 'x')).toThrow('one family');
    metrics.counter('things_total', 'x');
    expect(() => metrics.gauge('things', 'x')).toThrow('one family');
  });

  test('a collect that fails or hangs costs only its own metric', async () => {
    const quick = createMetrics({ service: 'posts', collectTimeoutMs: 20 });
    quick.gauge('broken', 'x', { collect: () => Promise.reject(new Error('no')) });
    quick.gauge('hanging', 'x', { collect: () => new Promise(() => undefined) });
    quick.gauge('fine', 'x').set(1);
    const first = parseExposition((await quick.render()).body, 'prometheus').map(({ name }) => name);
    expect(first).toContain('fine');
    expect(first).not.toContain('broken');
    expect(first).not.toContain('hanging');
    const { body } = await quick.render();
    quick.close();
    expect(body).toMatch(/metrics_collect_failures_total\{service="posts"\} [2-4]\n/);
  });
});

describe('the process', () => {
  test('shows event loop lag, heap, collections, processor time and files', async () => {
    const names = (await scrape()).map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining([
        'nodejs_eventloop_lag_p99_seconds',
        'nodejs_eventloop_utilization_ratio',
        'nodejs_heap_size_used_bytes',
        'nodejs_heap_size_limit_bytes',
        'nodejs_gc_duration_seconds',
        'process_resident_memory_bytes',
        'process_cpu_seconds_total',
        'process_start_time_seconds',
      ]),
    );
    const used = await family('nodejs_heap_size_used_bytes');
    expect(used.samples[0]?.value).toBeGreaterThan(1e6);
    const cpu = await family('process_cpu_seconds_total');
    const split = [
      await family('process_cpu_user_seconds_total'),
      await family('process_cpu_system_seconds_total'),
    ];
    expect(split.reduce((sum, one) => sum + (one.samples[0]?.value ?? 0), 0)).toBeGreaterThanOrEqual(
      cpu.samples[0]?.value ?? Infinity,
    );
  });

  test('a scrape of a full budget is cheap', async () => {
    for (let route = 0; route < 60; route++)
      for (const status of [200, 201, 400, 404, 500]) metrics.httpRequest('GET', `/r/${route}`, status, 0.01);
    let best = Infinity;
    for (let round = 0; round < 10; round++) {
      const before = performance.now();
      await metrics.render(OPENMETRICS);
      best = Math.min(best, performance.now() - before);
    }
    expect(best).toBeLessThan(50);
  });
});
