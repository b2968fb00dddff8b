import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { startOtlpCollector, waitFor, type CollectedSpan, type OtlpCollector } from '@rostrum/testing';
import { ChildProgram, exitOf } from './child-process';

const CANARY = 'c4n4ryS3cret9';
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';

let collector: OtlpCollector;
let instrumented: ChildProgram;
let bare: ChildProgram;

beforeAll(async () => {
  collector = await startOtlpCollector();
  instrumented = new ChildProgram('traced-service', 'traced-telemetry');
  bare = new ChildProgram('traced-service');
});

afterAll(async () => {
  instrumented.remove();
  bare.remove();
  await collector.close();
});

beforeEach(() => collector.clear());

interface Service {
  child: ChildProcess;
  log: () => string;
  call(
    path: string,
    headers?: Record<string, string>,
  ): Promise<{ traceId: string; spanId: string; status: number }>;
  ask<T>(type: string): Promise<T>;
  stop(): Promise<void>;
}

async function start(program: ChildProgram, samplingRate: number): Promise<Service> {
  const child = program.start([
    JSON.stringify({
      otlpEndpoint: `${collector.url}/v1/traces`,
      postgresUrl: process.env.TEST_POSTGRES_URL,
      redisUrl: process.env.TEST_REDIS_URL,
      samplingRate,
    }),
  ]);
  let output = '';
  child.stdout?.on('data', (chunk) => (output += String(chunk)));
  child.stderr?.on('data', (chunk) => (output += String(chunk)));
  const message = async <T>() => (await once(child, 'message'))[0] as T;
  const { port } = await message<{ port: number }>();
  return {
    child,
    log: () => output,
    async call(path, headers = {}) {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
      return { ...((await answer.json()) as { traceId: string; spanId: string }), status: answer.status };
    },
    ask<T>(type: string) {
      const answer = message<T>();
      child.send({ type });
      return answer;
    },
    async stop() {
      const end = exitOf(child);
      child.send({ type: 'stop' });
      expect((await end).code).toBe(0);
    },
  };
}

const named = (spans: CollectedSpan[], name: string) => {
  const found = spans.find((span) => span.name === name || span.name.startsWith(name));
  if (!found) throw new Error(`No span ${name} among ${spans.map((span) => span.name).join()}`);
  return found;
};

describe('with the libraries wrapped', () => {
  let service: Service;

  beforeEach(async () => {
    service = await start(instrumented, 1);
  });

  afterEach(() => service.stop());

  test('one request is one trace: query, commands and call are children of the server span with its ids', async () => {
    const { traceId, spanId } = await service.call('/work');
    const spans = await collector.waitForTrace(traceId, (all) => all.some((span) => span.kind === 2));
    const root = named(spans, 'GET /work');
    expect(root).toMatchObject({ spanId, parentSpanId: undefined, kind: 2, service: 'traced', status: 0 });
    expect(root.attributes).toMatchObject({ 'http.route': '/work', 'http.response.status_code': 200 });
    expect(named(spans, 'pg.query')).toMatchObject({ parentSpanId: spanId, kind: 3 });
    expect(named(spans, 'set')).toMatchObject({ parentSpanId: spanId, kind: 3 });
    const gather = named(spans, 'gather');
    expect(gather.parentSpanId).toBe(spanId);
    expect(named(spans, 'get')).toMatchObject({ parentSpanId: gather.spanId });
    const call = spans.find((span) => span.attributes['url.full'] !== undefined);
    expect(call).toMatchObject({ parentSpanId: spanId, kind: 3 });

    const { calleeHeaders } = await service.ask<{ calleeHeaders: Record<string, string>[] }>(
      'callee-headers',
    );
    expect(calleeHeaders[0]?.traceparent).toBe(`00-${traceId}-${call?.spanId}-01`);
    expect(calleeHeaders[0]?.['x-request-id']).toBe('req-1');
    await waitFor(() => service.log().includes(`"trace_id":"${traceId}","span_id":"${spanId}"`));
    expect(service.log()).toContain(`"at":"${traceId}"`);
  });

  test('a sampled caller is the remote parent, and its tracestate goes on', async () => {
    const { traceId, spanId } = await service.call('/work', { traceparent: `00-${TRACE}-${PARENT}-01` });
    expect(traceId).toBe(TRACE);
    const spans = await collector.waitForTrace(TRACE, (all) => all.some((span) => span.kind === 2));
    expect(named(spans, 'GET /work')).toMatchObject({ spanId, parentSpanId: PARENT });
    const { calleeHeaders } = await service.ask<{ calleeHeaders: Record<string, string>[] }>(
      'callee-headers',
    );
    expect(calleeHeaders[0]?.tracestate).toBe('vendor=1');
  });

  test('an unsampled caller makes no spans, but the trace goes on to the callee', async () => {
    const { spanId } = await service.call('/work', { traceparent: `00-${TRACE}-${PARENT}-00` });
    const { calleeHeaders } = await service.ask<{ calleeHeaders: Record<string, string>[] }>(
      'callee-headers',
    );
    expect(calleeHeaders[0]?.traceparent).toBe(`00-${TRACE}-${spanId}-00`);
    const marker = await service.call('/work');
    await collector.waitForTrace(marker.traceId, (all) => all.some((span) => span.kind === 2));
    expect(collector.trace(TRACE)).toEqual([]);
    expect(collector.spans().every((span) => span.traceId === marker.traceId)).toBe(true);
  });

  test('a failure is recorded, and no secret of statement, key, query or error is exported', async () => {
    const { traceId, status } = await service.call(`/fails`);
    expect(status).toBe(500);
    const spans = await collector.waitForTrace(traceId, (all) => all.some((span) => span.kind === 2));
    const root = named(spans, 'GET /work');
    expect(root.status).toBe(2);
    expect(root.attributes['error.type']).toBe('Error');
    expect(root.events[0]?.attributes['exception.message']).toBe('token=[redacted] refused');
    expect(collector.text()).not.toContain(CANARY);
    expect(service.log()).not.toContain(CANARY);
  });

  test('the self-check sees all three, and its spans are not exported', async () => {
    expect(await service.ask('self-check')).toEqual({
      ok: true,
      pg: 'wrapped',
      ioredis: 'wrapped',
      http: 'wrapped',
    });
    const marker = await service.call('/work');
    await collector.waitForTrace(marker.traceId, (all) => all.some((span) => span.kind === 2));
    expect(collector.spans().every((span) => span.traceId === marker.traceId)).toBe(true);
  });
});

test('without the wrapping the self-check says so, and requests still have their server span', async () => {
  const service = await start(bare, 1);
  expect(await service.ask('self-check')).toEqual({
    ok: false,
    pg: 'not-wrapped',
    ioredis: 'not-wrapped',
    http: 'not-wrapped',
  });
  const { traceId, spanId } = await service.call('/work');
  const spans = await collector.waitForTrace(traceId, (all) => all.some((span) => span.kind === 2));
  expect(spans.map((span) => span.name).sort()).toEqual(['GET /work', 'gather']);
  const { calleeHeaders } = await service.ask<{ calleeHeaders: Record<string, string>[] }>('callee-headers');
  expect(calleeHeaders.at(-1)?.traceparent).toBe(`00-${traceId}-${spanId}-01`);
  await service.stop();
});

test('shutdown sends what is still gathered', async () => {
  const service = await start(instrumented, 1);
  const made = await Promise.all(Array.from({ length: 20 }, () => service.call('/work')));
  await service.stop();
  for (const { traceId } of made) expect(collector.trace(traceId).some((span) => span.kind === 2)).toBe(true);
});
