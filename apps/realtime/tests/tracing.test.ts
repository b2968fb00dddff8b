import { randomUUID } from 'node:crypto';
import { startTracing } from '@rostrum/observability';
import { waitFor } from '@rostrum/testing';
import { InMemorySpanExporter, type ReadableSpan } from '@opentelemetry/sdk-trace-node';
import { RealtimeApp, type Instance, type Person } from './realtime-app';

const exporter = new InMemorySpanExporter();

let app: RealtimeApp;
let instance: Instance;
let ada: Person;

beforeAll(async () => {
  app = await RealtimeApp.create();
  const tracing = startTracing({
    service: 'realtime',
    version: '0.0.0',
    environment: 'test',
    enabled: true,
    samplingRate: 1,
    exporter,
    batchDelayMs: 10,
  });
  instance = await app.instance({}, { tracing });
  ada = await app.person('ada');
});
afterAll(() => app.stop());

const newTrace = (sampled = true) => {
  const traceId = randomUUID().replaceAll('-', '');
  return { traceId, traceparent: `00-${traceId}-00f067aa0ba902b7-${sampled ? '01' : '00'}` };
};
const spansOf = (traceId: string) =>
  exporter.getFinishedSpans().filter((span) => span.spanContext().traceId === traceId);
const spanNamed = (name: string, fits: (span: ReadableSpan) => boolean = () => true) =>
  waitFor(() => exporter.getFinishedSpans().find((span) => span.name === name && fits(span)), {
    what: `the span "${name}"`,
  });

describe('a trace', () => {
  it('of an upgrade goes on from its caller, and each message begins one that is linked to it', async () => {
    const { traceId, traceparent } = newTrace();
    const client = await instance.connect(ada, {
      asBrowser: true,
      headers: { traceparent },
    });
    client.send({ type: 'ping', id: 'canary' });
    await client.next('pong');
    await client.close();

    const upgrade = await spanNamed('GET /ws', (span) => span.spanContext().traceId === traceId);
    expect(upgrade.parentSpanContext?.spanId).toBe('00f067aa0ba902b7');
    expect(upgrade.attributes['http.response.status_code']).toBe(101);
    const message = await spanNamed('ws ping');
    expect(message.spanContext().traceId).not.toBe(traceId);
    expect(message.links.map(({ context }) => [context.traceId, context.spanId])).toEqual([
      [traceId, upgrade.spanContext().spanId],
    ]);
    const told = JSON.stringify(
      [upgrade, message].map(({ name, attributes, events }) => [name, attributes, events]),
    );
    expect(told).not.toContain('canary');
    expect(told).not.toContain(ada.token.slice(-40));
  });

  it('of a live event goes on from what caused it', async () => {
    const client = await instance.connect(ada);
    const { traceId, traceparent } = newTrace();
    await app.publishToUser(ada, { traceparent });
    await client.next('event');
    await client.close();
    const span = await spanNamed('ws event news');
    expect([span.spanContext().traceId, span.parentSpanContext?.spanId]).toEqual([
      traceId,
      '00f067aa0ba902b7',
    ]);
    expect(span.attributes['rostrum.connections']).toBe(1);
  });

  it('is not kept where the caller has decided so', async () => {
    const { traceId, traceparent } = newTrace(false);
    const client = await instance.connect(ada, { asBrowser: true, headers: { traceparent } });
    await client.close();
    const later = newTrace();
    const marker = await instance.connect(ada, {
      asBrowser: true,
      headers: { traceparent: later.traceparent },
    });
    await marker.close();
    await spanNamed('GET /ws', (span) => span.spanContext().traceId === later.traceId);
    expect(spansOf(traceId)).toEqual([]);
  });

  it('is decided here for who comes from outside', async () => {
    const { traceId, traceparent } = newTrace(false);
    const headers = { traceparent, 'x-forwarded-for': '203.0.113.7' };
    const client = await instance.connect(ada, { asBrowser: true, headers });
    await client.close();
    await spanNamed('GET /ws', (span) => span.spanContext().traceId === traceId);
  });
});
