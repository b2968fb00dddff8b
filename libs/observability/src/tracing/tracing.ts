import { hostname } from 'node:os';
import {
  context as otelContext,
  createTraceState,
  ROOT_CONTEXT,
  SpanKind,
  trace,
  TraceFlags,
  type Attributes,
  type Context,
  type Link,
  type Span,
  type SpanOptions,
  type Tracer,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, resourceFromAttributes, type Resource } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider, type SpanExporter } from '@opentelemetry/sdk-trace-node';
import { newSpanId, newTrace } from '../context/ids';
import { currentContext, RequestContext, runWithContext, type TraceStart } from '../context/request-context';
import { acceptTraceState, parseTraceparent } from '../context/traceparent';
import { SafeExporter } from './safe-exporter';
import { PresetSampling } from './sampling';
import { runSelfCheck } from './self-check';
import { endServerSpan, endWith } from './span-outcome';
import { SpanRouter } from './span-router';
import type {
  SelfCheckProbes,
  SelfCheckResult,
  ServerSpanEnd,
  SpanInit,
  TracedWork,
  Tracing,
  TracingOptions,
  TracingStats,
} from './types';

const BATCH_DELAY_MS = 2000;
const QUEUE_SPANS = 4096;
const EXPORT_TIMEOUT_MS = 10_000;
const SHUTDOWN_MS = 5000;
const ATTRIBUTE_MAX = 4096;

function describeProcess({ service, version, environment }: TracingOptions): Resource {
  return defaultResource().merge(
    resourceFromAttributes({
      'service.name': service,
      'service.version': version,
      'service.instance.id': `${hostname()}-${process.pid}`,
      'deployment.environment.name': environment,
      'host.name': hostname(),
      'process.pid': process.pid,
      'process.runtime.name': 'nodejs',
      'process.runtime.version': process.versions.node,
    }),
  );
}

/** Without an endpoint spans are made, so that logs have their ids, and forgotten: the SDK would try a default host. */
function exporterTo(url: string | undefined): SpanExporter {
  if (url !== undefined) return new OTLPTraceExporter({ url, timeoutMillis: EXPORT_TIMEOUT_MS });
  return { export: (_spans, done) => done({ code: 0 }), shutdown: () => Promise.resolve() };
}

/** The SDK's part; none of it exists when tracing is off. */
class Sdk {
  readonly exporter: SafeExporter;
  readonly router: SpanRouter;
  readonly tracer: Tracer;
  private readonly provider: NodeTracerProvider;

  constructor(options: TracingOptions, sampling: PresetSampling) {
    this.exporter = new SafeExporter(options.exporter ?? exporterTo(options.otlpEndpoint), options.hooks);
    this.router = new SpanRouter(
      new BatchSpanProcessor(this.exporter, {
        maxQueueSize: QUEUE_SPANS,
        scheduledDelayMillis: options.batchDelayMs ?? BATCH_DELAY_MS,
        exportTimeoutMillis: EXPORT_TIMEOUT_MS,
      }),
    );
    this.provider = new NodeTracerProvider({
      resource: describeProcess(options),
      sampler: sampling,
      idGenerator: sampling,
      spanLimits: { attributeValueLengthLimit: ATTRIBUTE_MAX },
      spanProcessors: [this.router],
    });
    this.provider.register();
    this.tracer = this.provider.getTracer('@rostrum/observability', options.version);
  }

  async shutdown(timeoutMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([this.provider.shutdown().catch(() => undefined), late]);
    clearTimeout(timer);
  }
}

const traceStateOf = (text: string | undefined) => (text === undefined ? undefined : createTraceState(text));

function parentContext({ traceId, parentSpanId, traceState }: TraceStart): Context {
  if (parentSpanId === undefined) return ROOT_CONTEXT;
  const state = traceStateOf(traceState);
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId: parentSpanId,
    traceFlags: TraceFlags.SAMPLED,
    isRemote: true,
    ...(state && { traceState: state }),
  });
}

function spanOptions({ attributes, kind, links }: SpanInit): SpanOptions {
  return {
    ...(attributes && { attributes }),
    ...(kind !== undefined && { kind }),
    ...(links && { links: [...links] }),
  };
}

class ServiceTracing implements Tracing {
  readonly enabled: boolean;
  private readonly trustParent: boolean;
  private readonly sampling: PresetSampling;
  private readonly sdk: Sdk | undefined;

  constructor(private readonly options: TracingOptions) {
    this.enabled = options.enabled;
    this.trustParent = options.trustParent ?? true;
    this.sampling = new PresetSampling(options.enabled ? options.samplingRate : 0);
    this.sdk = options.enabled ? new Sdk(options, this.sampling) : undefined;
  }

  begin(traceparent: string | undefined, requestId: string, traceState?: string): RequestContext {
    if (traceparent !== undefined && this.trustParent) {
      const continued = this.continueTrace({ traceparent, requestId, traceState });
      if (continued) return continued;
    }
    return this.newTrace(requestId);
  }

  beginUndecided(traceparent: string, requestId: string, traceState?: string): RequestContext {
    const context = this.begin(traceparent, requestId, traceState);
    // By chance, and not by the trace's id, which the caller has chosen.
    return new RequestContext({ ...context, sampled: this.sampling.decide(newTrace().score) });
  }

  startServerSpan(start: TraceStart, name: string, attributes: Attributes = {}): Span {
    return this.startSpan(start, name, { kind: SpanKind.SERVER, attributes });
  }

  endServerSpan(span: Span, end: ServerSpanEnd): void {
    endServerSpan(span, end);
  }

  withSpan<T>(name: string, init: SpanInit, fn: (span: Span | undefined) => T): T {
    if (!this.sdk || trace.getSpan(otelContext.active()) === undefined) return fn(undefined);
    return this.sdk.tracer.startActiveSpan(name, spanOptions(init), (span) => endWith(span, () => fn(span)));
  }

  runWork<T>(work: TracedWork, fn: (context: RequestContext) => T): T {
    const { name, requestId, traceparent, traceState, attributes, kind = SpanKind.CONSUMER } = work;
    const isChild = (work.relation ?? 'child') === 'child';
    const context =
      (isChild && this.continueTrace({ traceparent, requestId, traceState })) || this.newTrace(requestId);
    if (!context.sampled) return runWithContext(context, () => fn(context));
    const link = isChild ? undefined : this.linkFromTraceparent(traceparent);
    const span = this.startSpan(context, name, { attributes, kind, ...(link && { links: [link] }) });
    context.span = span;
    return runWithContext(context, () => endWith(span, () => fn(context)));
  }

  linkFromTraceparent(traceparent: string | undefined): Link | undefined {
    const cause = parseTraceparent(traceparent);
    if (!cause) return undefined;
    const { traceId, spanId, sampled } = cause;
    return {
      context: {
        traceId,
        spanId,
        traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
        isRemote: true,
      },
    };
  }

  outgoingHeaders(context = currentContext()): Record<string, string> {
    if (!context) return {};
    const headers: Record<string, string> = {
      'x-request-id': context.requestId,
      traceparent: context.traceparent(),
    };
    if (context.traceState !== undefined) headers.tracestate = context.traceState;
    return headers;
  }

  async selfCheck(probes: SelfCheckProbes): Promise<SelfCheckResult> {
    if (!this.sdk) return { ok: true, pg: 'not-checked', ioredis: 'not-checked', http: 'not-checked' };
    const context = new RequestContext({ ...this.newTrace('self-check'), sampled: true });
    const scopes = this.sdk.router.watch(context.traceId);
    const span = this.startSpan(context, 'self-check', {});
    context.span = span;
    const result = await runWithContext(context, () => runSelfCheck(probes, scopes));
    span.end();
    return result;
  }

  stats(): TracingStats {
    const { exportedSpans = 0, failedSpans = 0 } = this.sdk?.exporter.counts ?? {};
    return { endedSpans: this.sdk?.router.ended ?? 0, exportedSpans, failedSpans };
  }

  async shutdown(): Promise<void> {
    await this.sdk?.shutdown(this.options.shutdownTimeoutMs ?? SHUTDOWN_MS);
  }

  private newTrace(requestId: string): RequestContext {
    const { id, score } = newTrace();
    return new RequestContext({
      requestId,
      traceId: id,
      spanId: newSpanId(),
      sampled: this.sampling.decide(score),
      parentSpanId: undefined,
      traceState: undefined,
    });
  }

  private continueTrace(
    cause: Pick<TracedWork, 'traceparent' | 'traceState' | 'requestId'>,
  ): RequestContext | undefined {
    const parent = parseTraceparent(cause.traceparent);
    if (!parent) return undefined;
    return new RequestContext({
      requestId: cause.requestId,
      traceId: parent.traceId,
      spanId: newSpanId(),
      sampled: this.enabled && parent.sampled,
      parentSpanId: parent.spanId,
      traceState: acceptTraceState(cause.traceState),
    });
  }

  private startSpan(start: TraceStart, name: string, init: SpanInit): Span {
    const { sdk } = this;
    const { traceId, spanId } = start;
    if (!sdk) return trace.wrapSpanContext({ traceId, spanId, traceFlags: TraceFlags.NONE });
    return this.sampling.start(start, () =>
      sdk.tracer.startSpan(name, spanOptions(init), parentContext(start)),
    );
  }
}

/** Starts the tracing of a process. */
export function startTracing(options: TracingOptions): Tracing {
  return new ServiceTracing(options);
}
