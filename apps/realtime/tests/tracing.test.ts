import { randomUUID } from 'node:crypto';
import { startOtlpCollector, waitFor, type CollectedSpan, type OtlpCollector } from '@rostrum/testing';
import { RealtimeApp, type Instance, type Person } from './realtime-app';

let collector: OtlpCollector;
let app: RealtimeApp;
let instance: Instance;
let ada: Person;

beforeAll(async () => {
  collector = await startOtlpCollector();
  app = await RealtimeApp.create({
    environment: {
      TRACING_ENABLED: 'true',
      TRACING_SAMPLING_RATE: '1',
      OTLP_ENDPOINT: collector.url,
    },
  });
  instance = await app.instance();
  ada = await app.person('ada');
});
afterAll(async () => {
  await app.stop();
  await collector.close();
});

const newTrace = (sampled = true) => {
  const traceId = randomUUID().replaceAll('-', '');
  return { traceId, traceparent: `00-${traceId}-00f067aa0ba902b7-${sampled ? '01' : '00'}` };
};
const spanNamed = (name: string, fits: (span: CollectedSpan) => boolean = () => true) =>
  waitFor(() => collector.spans().find((span) => span.name === name && fits(span)), {
    timeoutMs: 15_000,
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

    const upgrade = await spanNamed('GET /ws', (span) => span.traceId === traceId);
    expect(upgrade.parentSpanId).toBe('00f067aa0ba902b7');
    expect(upgrade.attributes['http.response.status_code']).toBe(101);
    const message = await spanNamed('ws ping');
    expect(message.traceId).not.toBe(traceId);
    expect(message.links).toEqual([{ traceId, spanId: upgrade.spanId }]);
    expect(collector.text()).not.toContain('canary');
    expect(collector.text()).not.toContain(ada.token);
  });

  it('of a live event goes on from what caused it', async () => {
    const client = await instance.connect(ada);
    const { traceId, traceparent } = newTrace();
    const event = { id: randomUUID(), name: 'news', data: {}, time: new Date().toISOString(), traceparent };
    await app.redis.publish(`realtime:user:${ada.id}`, JSON.stringify(event));
    await client.next('event');
    await client.close();
    const span = await spanNamed('ws event news');
    expect([span.traceId, span.parentSpanId]).toEqual([traceId, '00f067aa0ba902b7']);
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
    await spanNamed('GET /ws', (span) => span.traceId === later.traceId);
    expect(collector.trace(traceId)).toEqual([]);
  });
});
