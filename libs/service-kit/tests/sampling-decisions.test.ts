import { randomUUID } from 'node:crypto';
import { startTracing } from '@rostrum/observability';
import { recordingLogger, waitFor, type RecordingLogger } from '@rostrum/testing';
import { InMemorySpanExporter } from '@opentelemetry/sdk-trace-node';
import { startTestService, type TestService } from './test-service';

const publicClient = { 'x-forwarded-for': '203.0.113.7' };
/** Of an address that would be nearby if it were the caller's own. */
const nearbyClient = { 'x-forwarded-for': '10.0.0.7' };

let exporter: InMemorySpanExporter;
let service: TestService;
let log: RecordingLogger;

/** A service that traces, by itself, all requests or none. */
async function open(samplingRate: 0 | 1, environment: Record<string, string> = {}): Promise<void> {
  exporter = new InMemorySpanExporter();
  log = recordingLogger({ service: 'posts' });
  const about = { service: 'posts', version: '0', environment: 'test', enabled: true };
  const tracing = startTracing({ ...about, samplingRate, exporter, batchDelayMs: 10 });
  service = await startTestService({}, environment, { tracing, logger: log.lent });
}

afterEach(async () => {
  await service.service.stop('the test is over');
  await log.close();
});

const spansOf = (traceId: string) =>
  exporter.getFinishedSpans().filter((span) => span.spanContext().traceId === traceId);

async function ask(flag: '00' | '01', headers: Record<string, string> = {}): Promise<string> {
  const traceId = randomUUID().replaceAll('-', '');
  const traceparent = `00-${traceId}-00f067aa0ba902b7-${flag}`;
  const answer = await fetch(`${service.url}/api/v1/ready-items?times=1`, {
    headers: { traceparent, ...headers },
  });
  expect(answer.status).toBe(200);
  await answer.arrayBuffer();
  // Whoever decides: the trace is the caller's.
  await waitFor(() => log.lines().some(({ trace_id }) => trace_id === traceId), { what: 'its access line' });
  return traceId;
}

/** Whether what was asked before is in a trace: what another process of ours asks for after it is. */
async function isKept(traceId: string): Promise<boolean> {
  const later = await ask('01');
  await waitFor(() => spansOf(later).length > 0, { what: 'a later span' });
  return spansOf(traceId).length > 0;
}

it('another service decides for us, one way or the other', async () => {
  await open(0);
  expect(await isKept(await ask('01'))).toBe(true);
  expect(await isKept(await ask('00'))).toBe(false);
});

it.each([
  ['a client', publicClient, {}],
  ['a client whom the proxy is believed', publicClient, { TRUSTED_PROXIES: '127.0.0.1' }],
  ['a client with an address like ours', nearbyClient, { TRUSTED_PROXIES: '127.0.0.1' }],
  ['a client who claims to be a proxy', publicClient, { TRACING_FOLLOW_PROXIES: 'true' }],
])('%s can have nothing traced', async (_who, headers, environment) => {
  await open(0, environment);
  expect(await isKept(await ask('01', headers))).toBe(false);
});

it('nor can one escape being traced', async () => {
  await open(1);
  const traceId = await ask('00', publicClient);
  expect(await isKept(traceId)).toBe(true);
  expect(spansOf(traceId)[0]?.parentSpanContext?.spanId).toBe('00f067aa0ba902b7');
});

it('a trusted proxy decides where it is said to', async () => {
  await open(0, { TRUSTED_PROXIES: '127.0.0.1', TRACING_FOLLOW_PROXIES: 'true' });
  expect(await isKept(await ask('01', publicClient))).toBe(true);
  expect(await isKept(await ask('00', publicClient))).toBe(false);
});
