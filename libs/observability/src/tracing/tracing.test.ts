import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SpanKind, trace, context as otelContext } from '@opentelemetry/api';
import { waitFor } from '@rostrum/testing';
import { startRecorded } from '../../tests/span-recorder';
import { currentContext, RequestContext, runWithContext } from '../context/request-context';
import type { Tracing, TracingOptions } from './types';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const SAMPLED = `00-${TRACE}-${PARENT}-01`;
const UNSAMPLED = `00-${TRACE}-${PARENT}-00`;
const CANARY = 'c4n4ryS3cret9';

const started: Tracing[] = [];

function start(options: Partial<TracingOptions> = {}) {
  const recorded = startRecorded(options);
  started.push(recorded.tracing);
  return recorded;
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((tracing) => tracing.shutdown()));
  trace.disable();
  otelContext.disable();
});

describe('begin', () => {
  test('continues a trusted trace and follows its decision', () => {
    const { tracing } = start({ samplingRate: 0 });
    const sampled = tracing.begin(SAMPLED, 'r1', 'a=1');
    expect(sampled).toMatchObject({ traceId: TRACE, parentSpanId: PARENT, sampled: true, traceState: 'a=1' });
    expect(sampled.spanId).toMatch(/^[0-9a-f]{16}$/);
    expect(sampled.spanId).not.toBe(PARENT);
    expect(start({ samplingRate: 1 }).tracing.begin(UNSAMPLED, 'r1').sampled).toBe(false);
  });

  test('takes a trace’s ids of who does not decide; by chance, whatever the ids, it is kept or not', () => {
    const begun = start({ samplingRate: 0 }).tracing.beginUndecided(SAMPLED, 'r1', 'a=1');
    expect(begun).toMatchObject({ traceId: TRACE, parentSpanId: PARENT, sampled: false, traceState: 'a=1' });
    expect(start({ samplingRate: 1 }).tracing.beginUndecided(UNSAMPLED, 'r1').sampled).toBe(true);
    const { tracing } = start({ samplingRate: 0.5 });
    const again = new Set(Array.from({ length: 100 }, () => tracing.beginUndecided(SAMPLED, 'r1').sampled));
    expect(again.size).toBe(2);
  });

  test('starts a new trace without one, with a bad one, or without trust', () => {
    const { tracing } = start();
    for (const header of [undefined, '', 'garbage', SAMPLED.toUpperCase()])
      expect(tracing.begin(header, 'r1')).toMatchObject({ sampled: true, parentSpanId: undefined });
    const distrustful = start({ trustParent: false }).tracing.begin(SAMPLED, 'r1', 'a=1');
    expect(distrustful.traceId).not.toBe(TRACE);
    expect(distrustful.traceState).toBeUndefined();
  });

  test('samples new traces by the ratio, and none when tracing is off', () => {
    const share = (tracing: Tracing) => {
      let sampled = 0;
      for (let at = 0; at < 20_000; at++) if (tracing.begin(undefined, 'r').sampled) sampled++;
      return sampled / 20_000;
    };
    expect(share(start({ samplingRate: 0.1 }).tracing)).toBeCloseTo(0.1, 1);
    expect(share(start({ samplingRate: 0 }).tracing)).toBe(0);
    const off = start({ enabled: false, samplingRate: 1 }).tracing;
    expect(share(off)).toBe(0);
    expect(off.begin(SAMPLED, 'r').sampled).toBe(false);
    expect(off.begin(SAMPLED, 'r').traceId).toBe(TRACE);
  });
});

describe('server spans', () => {
  test('have the ids that were decided before, as root and as child', async () => {
    const { tracing, recorder } = start();
    const root = tracing.begin(undefined, 'r1');
    const child = tracing.begin(SAMPLED, 'r2', 'vendor=7');
    for (const context of [root, child])
      tracing.endServerSpan(tracing.startServerSpan(context, 'GET', { 'http.request.method': 'GET' }), {
        status: 200,
        route: '/api/v1/posts/:id',
        bytes: 5,
      });
    await tracing.shutdown();
    const [first, second] = recorder.spans;
    expect(first?.spanContext()).toMatchObject({ traceId: root.traceId, spanId: root.spanId });
    expect(first?.parentSpanContext).toBeUndefined();
    expect(second?.spanContext()).toMatchObject({ traceId: TRACE, spanId: child.spanId });
    expect(second?.parentSpanContext).toMatchObject({ spanId: PARENT, isRemote: true });
    expect(second?.spanContext().traceState?.serialize()).toBe('vendor=7');
    expect(first).toMatchObject({
      name: 'GET /api/v1/posts/:id',
      kind: SpanKind.SERVER,
      status: { code: 0 },
      attributes: {
        'http.route': '/api/v1/posts/:id',
        'http.response.status_code': 200,
        'http.response.body.size': 5,
      },
    });
    expect(first?.resource.attributes).toMatchObject({
      'service.name': 'posts',
      'service.version': '1',
      'deployment.environment.name': 'test',
    });
  });

  test.each([
    { end: { status: 404, error: new Error('no') }, code: 0, type: undefined, events: 0 },
    { end: { status: 500 }, code: 2, type: '500', events: 0 },
    { end: { status: 500, error: new TypeError(`token=${CANARY}`) }, code: 2, type: 'TypeError', events: 1 },
    { end: { status: 500, error: `Bearer ${CANARY}` }, code: 2, type: 'string', events: 1 },
    { end: { status: 200, aborted: true }, code: 0, type: undefined, events: 0 },
  ])('the end $end has status code $code and error.type $type', async ({ end, code, type, events }) => {
    const { tracing, recorder } = start();
    tracing.endServerSpan(tracing.startServerSpan(tracing.begin(undefined, 'r'), 'GET'), end);
    await tracing.shutdown();
    const [span] = recorder.spans;
    expect(span?.status.code).toBe(code);
    expect(span?.attributes['error.type']).toBe(type);
    expect(span?.events).toHaveLength(events);
    expect(JSON.stringify([span?.status, span?.events, span?.attributes])).not.toContain(CANARY);
  });
});

describe('withSpan', () => {
  test('makes children of the current span, for values, promises and errors', async () => {
    const { tracing, recorder } = start();
    const context = tracing.begin(undefined, 'r');
    context.span = tracing.startServerSpan(context, 'GET');
    await runWithContext(context, async () => {
      expect(tracing.withSpan('plain', { attributes: { a: 1 } }, () => 7)).toBe(7);
      await tracing.withSpan('outer', {}, async () => {
        await Promise.resolve();
        await expect(
          tracing.withSpan('inner', { kind: SpanKind.CLIENT }, () =>
            Promise.reject(new Error(`password=${CANARY}`)),
          ),
        ).rejects.toThrow(CANARY);
      });
      expect(() =>
        tracing.withSpan('thrown', {}, () => {
          throw new RangeError('far');
        }),
      ).toThrow('far');
    });
    await tracing.shutdown();
    const by = (name: string) => recorder.spans.find((span) => span.name === name);
    expect(by('plain')?.parentSpanContext?.spanId).toBe(context.spanId);
    expect(by('inner')?.parentSpanContext?.spanId).toBe(by('outer')?.spanContext().spanId);
    expect(by('inner')).toMatchObject({
      status: { code: 2, message: 'password=[redacted]' },
      kind: SpanKind.CLIENT,
    });
    expect(by('thrown')?.attributes['error.type']).toBe('RangeError');
    expect(by('outer')?.status.code).toBe(0);
  });

  test('only runs the work where nothing is sampled', () => {
    const { tracing } = start({ samplingRate: 0 });
    expect(tracing.withSpan('x', {}, (span) => span)).toBeUndefined();
    const context = tracing.begin(undefined, 'r');
    expect(runWithContext(context, () => tracing.withSpan('x', {}, (span) => span))).toBeUndefined();
  });
});

describe('runWork', () => {
  test('a child continues the trace of its cause', async () => {
    const { tracing, recorder } = start({ samplingRate: 0 });
    const work = {
      name: 'post.created',
      requestId: 'r9',
      traceparent: SAMPLED,
      attributes: { 'messaging.system': 'redis' },
    };
    const seen = await tracing.runWork(work, async (context) => {
      await Promise.resolve();
      expect(currentContext()).toBe(context);
      return context;
    });
    expect(seen).toMatchObject({ traceId: TRACE, parentSpanId: PARENT, requestId: 'r9' });
    await tracing.shutdown();
    expect(recorder.spans[0]).toMatchObject({ name: 'post.created', kind: SpanKind.CONSUMER });
    expect(recorder.spans[0]?.spanContext()).toMatchObject({ traceId: TRACE, spanId: seen.spanId });
  });

  test('a link points to its cause from a trace of its own', async () => {
    const { tracing, recorder } = start();
    const work = {
      name: 'ws message',
      requestId: 'r',
      traceparent: SAMPLED,
      relation: 'link' as const,
      kind: SpanKind.SERVER,
    };
    const context = tracing.runWork(work, (inner) => inner);
    expect(context.traceId).not.toBe(TRACE);
    await tracing.shutdown();
    expect(recorder.spans[0]?.links[0]?.context).toMatchObject({ traceId: TRACE, spanId: PARENT });
    expect(recorder.spans[0]?.parentSpanContext).toBeUndefined();
  });

  test('unsampled work has a context, and its errors pass', () => {
    const { tracing, recorder } = start({ samplingRate: 0 });
    expect(() =>
      tracing.runWork({ name: 'job', requestId: 'j1' }, (context) => {
        expect(currentContext()).toBe(context);
        throw new Error('job failed');
      }),
    ).toThrow('job failed');
    expect(recorder.spans).toEqual([]);
  });
});

describe('outgoingHeaders', () => {
  test('carry the request and the trace, sampled or not', () => {
    const { tracing } = start();
    const context = new RequestContext({
      requestId: 'r',
      traceId: TRACE,
      spanId: PARENT,
      sampled: false,
      traceState: 'a=1',
    });
    expect(tracing.outgoingHeaders()).toEqual({});
    const headers = { 'x-request-id': 'r', traceparent: UNSAMPLED, tracestate: 'a=1' };
    expect(tracing.outgoingHeaders(context)).toEqual(headers);
    expect(runWithContext(context, () => tracing.outgoingHeaders())).toEqual(headers);
  });
});

describe('an exporter', () => {
  const endOne = (tracing: Tracing) => tracing.startServerSpan(tracing.begin(undefined, 'r'), 'GET').end();

  test.each(['fail', 'throw'] as const)(
    'that would %s is counted and told, and harms nobody',
    async (answer) => {
      const told = jest.fn();
      const { tracing, recorder } = start({ hooks: { onExportFailure: told } });
      recorder.answer = answer;
      endOne(tracing);
      await waitFor(() => tracing.stats().failedSpans === 1);
      recorder.answer = 'ok';
      endOne(tracing);
      await waitFor(() => tracing.stats().exportedSpans === 1);
      expect(tracing.stats()).toEqual({ endedSpans: 2, exportedSpans: 1, failedSpans: 1 });
      expect(told).toHaveBeenCalledTimes(1);
      expect(told.mock.calls[0]?.[1]).toBe(1);
    },
  );

  test('that hangs does not hold the shutdown', async () => {
    const { tracing, recorder } = start();
    recorder.answer = 'hang';
    endOne(tracing);
    const before = Date.now();
    await tracing.shutdown();
    expect(Date.now() - before).toBeLessThan(15_000);
    recorder.release();
  });

  test('gets no secret from any attribute, event, status or link', async () => {
    const { tracing, recorder } = start();
    const context = tracing.begin(undefined, 'r');
    const span = tracing.startServerSpan(context, 'GET', {
      'url.full': `https://bob:${CANARY}@x.example/p?token=${CANARY}`,
      'url.query': CANARY,
      'http.request.header.authorization': [CANARY],
      'user.email': CANARY,
      list: [`Bearer ${CANARY}`, 'fine'],
      count: 3,
    });
    span.addEvent('mail', { to: `${CANARY}@example.com` });
    span.setStatus({ code: 2, message: `password=${CANARY}` });
    span.end();
    await tracing.shutdown();
    const [seen] = recorder.spans;
    expect(JSON.stringify([seen?.attributes, seen?.events, seen?.status])).not.toContain(CANARY);
    expect(seen?.attributes).toMatchObject({
      'url.full': 'https://[redacted]@x.example/p',
      list: ['Bearer [redacted]', 'fine'],
      count: 3,
    });
  });
});

describe('OTLP over HTTP', () => {
  let server: Server;

  afterEach(() => new Promise((resolve) => server.close(resolve)));

  test('a collector that refuses is counted', async () => {
    server = createServer((_request, response) => response.writeHead(400).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const { tracing } = start({ exporter: undefined, otlpEndpoint: `http://127.0.0.1:${port}/v1/traces` });
    tracing.startServerSpan(tracing.begin(undefined, 'r'), 'GET').end();
    await waitFor(() => tracing.stats().failedSpans === 1);
    await tracing.shutdown();
  });
});
