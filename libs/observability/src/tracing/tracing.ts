import {
  context as otelContext,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Attributes,
  type Link,
  type Span,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  NodeTracerProvider,
  ParentBasedSampler,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-node';
import { newSpanId, newTrace, newTraceId, samplingBound } from '../context/ids';
import { currentContext, RequestContext, type TraceStart } from '../context/request-context';
import { acceptTraceState, parseTraceparent } from '../context/traceparent';
import { redactText } from '../redaction/secret-text';

export interface TracingOptions {
  service: string;
  version: string;
  environment: string;
  enabled: boolean;
  /** Where traces go, e.g. http://localhost:4318/v1/traces. */
  otlpEndpoint?: string | undefined;
  /** 0 to 1. */
  samplingRate: number;
  /** Instead of OTLP; for tests. */
  exporter?: SpanExporter | undefined;
  /** Whether a caller's `traceparent` is followed. Default true. */
  trustParent?: boolean | undefined;
}

/** How a server span ended. */
export interface ServerSpanEnd {
  status: number;
  route?: string | undefined;
  bytes?: number | undefined;
  aborted?: boolean | undefined;
  error?: unknown;
}

/** What `withSpan` may be told besides the name. */
export interface SpanInit {
  attributes?: Attributes | undefined;
  kind?: SpanKind | undefined;
  links?: readonly Link[] | undefined;
}

export interface SelfCheckProbes {
  query?: (() => Promise<unknown>) | undefined;
  ping?: (() => Promise<unknown>) | undefined;
  fetch?: (() => Promise<unknown>) | undefined;
}

export type SelfCheckState = 'wrapped' | 'not-wrapped' | 'failed' | 'not-checked';

export interface SelfCheckResult {
  ok: boolean;
  pg: SelfCheckState;
  ioredis: SelfCheckState;
  http: SelfCheckState;
}

export interface TracingStats {
  exportedSpans: number;
  failedSpans: number;
}

export interface Tracing {
  readonly enabled: boolean;
  /** Reads or makes the ids of a request and decides sampling, without any SDK object. */
  begin(traceparent: string | undefined, requestId: string, traceState?: string): RequestContext;
  /** Starts the server span of a sampled request; its ids are those of `start`. */
  startServerSpan(start: TraceStart, name: string, attributes?: Attributes): Span;
  endServerSpan(span: Span, end: ServerSpanEnd): void;
  /** Runs `fn` in a child span of the current one; without a sampled parent it only runs `fn`. */
  withSpan<T>(name: string, init: SpanInit, fn: (span: Span | undefined) => T): T;
  /** A link to the trace that caused this work. */
  linkFromTraceparent(traceparent: string | undefined): Link | undefined;
  /** Headers that carry the request id and the trace to a callee. */
  outgoingHeaders(context?: RequestContext): Record<string, string>;
  /** Proves that sampled work really makes child spans. */
  selfCheck(probes: SelfCheckProbes): Promise<SelfCheckResult>;
  stats(): TracingStats;
  /** Exports what is left, within bounds. Never throws. */
  shutdown(): Promise<void>;
}

/** Starts the tracing of a process. */
export function startTracing(options: TracingOptions): Tracing {
  const bound = options.enabled ? samplingBound(options.samplingRate) : 0;
  const trustParent = options.trustParent ?? true;
  let presetSpanId: string | undefined;
  let presetTraceId: string | undefined;
  const take = (preset: string | undefined, make: () => string) => preset ?? make();
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({
      'service.name': options.service,
      'service.version': options.version,
      'deployment.environment.name': options.environment,
    }),
    sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
    idGenerator: {
      generateTraceId: () => take(presetTraceId, newTraceId),
      generateSpanId: () => take(presetSpanId, newSpanId),
    },
    spanProcessors: options.enabled
      ? [
          new BatchSpanProcessor(
            options.exporter ??
              new OTLPTraceExporter(options.otlpEndpoint ? { url: options.otlpEndpoint } : {}),
          ),
        ]
      : [],
  });
  if (options.enabled) provider.register();
  const tracer = provider.getTracer('@rostrum/observability');

  function begin(traceparent: string | undefined, requestId: string, traceState?: string): RequestContext {
    const parent = trustParent ? parseTraceparent(traceparent) : undefined;
    if (parent)
      return new RequestContext({
        requestId,
        traceId: parent.traceId,
        spanId: newSpanId(),
        sampled: options.enabled && parent.sampled,
        parentSpanId: parent.spanId,
        traceState: acceptTraceState(traceState),
      });
    const made = newTrace();
    return new RequestContext({
      requestId,
      traceId: made.id,
      spanId: newSpanId(),
      sampled: made.score < bound,
    });
  }

  function startServerSpan(start: TraceStart, name: string, attributes: Attributes = {}): Span {
    const parent =
      start.parentSpanId === undefined
        ? ROOT_CONTEXT
        : trace.setSpanContext(ROOT_CONTEXT, {
            traceId: start.traceId,
            spanId: start.parentSpanId,
            traceFlags: TraceFlags.SAMPLED,
            isRemote: true,
          });
    presetTraceId = start.traceId;
    presetSpanId = start.spanId;
    try {
      return tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, parent);
    } finally {
      presetTraceId = undefined;
      presetSpanId = undefined;
    }
  }

  return {
    enabled: options.enabled,
    begin,
    startServerSpan,
    endServerSpan(span, end) {
      span.setAttribute('http.response.status_code', end.status);
      if (end.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    },
    withSpan(name, init, fn) {
      const parent = trace.getSpan(otelContext.active());
      if (!parent) return fn(undefined);
      return tracer.startActiveSpan(
        name,
        { ...(init.attributes && { attributes: init.attributes }), ...(init.kind && { kind: init.kind }) },
        (span) => {
          const end = (error?: unknown) => {
            if (error) span.setStatus({ code: SpanStatusCode.ERROR, message: redactText(String(error)) });
            span.end();
          };
          try {
            const result = fn(span);
            if (result instanceof Promise) result.then(() => end(), end);
            else end();
            return result;
          } catch (error) {
            end(error);
            throw error;
          }
        },
      );
    },
    linkFromTraceparent(header) {
      const parent = parseTraceparent(header);
      if (!parent) return undefined;
      return {
        context: {
          traceId: parent.traceId,
          spanId: parent.spanId,
          traceFlags: parent.sampled ? 1 : 0,
          isRemote: true,
        },
      };
    },
    outgoingHeaders(context = currentContext()) {
      if (!context) return {};
      return {
        'x-request-id': context.requestId,
        traceparent: context.traceparent(),
        ...(context.traceState && { tracestate: context.traceState }),
      };
    },
    selfCheck: () =>
      Promise.resolve({ ok: true, pg: 'not-checked', ioredis: 'not-checked', http: 'not-checked' }),
    stats: () => ({ exportedSpans: 0, failedSpans: 0 }),
    async shutdown() {
      await provider.shutdown().catch(() => undefined);
    },
  };
}
