import type { Attributes, Link, Span, SpanKind } from '@opentelemetry/api';
import type { SpanExporter } from '@opentelemetry/sdk-trace-node';
import type { RequestContext, TraceStart } from '../context/request-context';

export interface TracingOptions {
  service: string;
  version: string;
  environment: string;
  enabled: boolean;
  /** The whole address that takes traces by OTLP/HTTP, e.g. http://localhost:4318/v1/traces. */
  otlpEndpoint?: string | undefined;
  /** The share of new traces that are sampled: 0 to 1. */
  samplingRate: number;
  /** Instead of OTLP; for tests. */
  exporter?: SpanExporter | undefined;
  /** Whether a caller's `traceparent` is continued. Default true: the gateway is the caller. */
  trustParent?: boolean | undefined;
  /** How long finished spans are gathered before they are sent. Default 2,000. */
  batchDelayMs?: number | undefined;
  /** How long `shutdown` waits for the last spans to be sent. Default 5,000. */
  shutdownTimeoutMs?: number | undefined;
  hooks?: TracingHooks | undefined;
}

export interface TracingHooks {
  /** A batch could not be delivered; it is lost. */
  onExportFailure?: (error: unknown, spans: number) => void;
}

/** How a server span ended. */
export interface ServerSpanEnd {
  status: number;
  /** The route pattern; it becomes part of the span's name. */
  route?: string | undefined;
  bytes?: number | undefined;
  /** The client went away before the response was complete. */
  aborted?: boolean | undefined;
  /** What was thrown; recorded only when the status is a server error. */
  error?: unknown;
}

/** What a span may be told besides its name. */
export interface SpanInit {
  attributes?: Attributes | undefined;
  kind?: SpanKind | undefined;
  links?: readonly Link[] | undefined;
}

/** A piece of work that did not come as an HTTP request: a WebSocket message, an event, a scheduled job. */
export interface TracedWork extends Omit<SpanInit, 'links'> {
  name: string;
  requestId: string;
  /** The `traceparent` of what caused it. */
  traceparent?: string | undefined;
  traceState?: string | undefined;
  /**
   * 'child': the work continues the trace that caused it (an event). 'link': it is a trace of its own that points to
   * it (a message on a connection that lives for hours). Default 'child'.
   */
  relation?: 'child' | 'link' | undefined;
}

/** What the self-check calls, each inside a sampled span. */
export interface SelfCheckProbes {
  /** Sends one query through pg. */
  query?: (() => Promise<unknown>) | undefined;
  /** Sends one command through ioredis. */
  ping?: (() => Promise<unknown>) | undefined;
  /** Sends one HTTP request through fetch. */
  fetch?: (() => Promise<unknown>) | undefined;
}

/** 'failed': the probe itself failed and no span was seen, so nothing can be said. */
export type SelfCheckState = 'wrapped' | 'not-wrapped' | 'failed' | 'not-checked';

export interface SelfCheckResult {
  /** No library was found unwrapped. */
  ok: boolean;
  pg: SelfCheckState;
  ioredis: SelfCheckState;
  http: SelfCheckState;
}

export interface TracingStats {
  endedSpans: number;
  exportedSpans: number;
  failedSpans: number;
}

/** The tracing of a process. Its server spans have exactly the ids that stand in the logs. */
export interface Tracing {
  readonly enabled: boolean;
  /** Reads or makes the ids of a request and decides sampling; no SDK object is made. The hot path. */
  begin(traceparent: string | undefined, requestId: string, traceState?: string): RequestContext;
  /** The same for a caller who may name a trace, but does not decide whether it is sampled: chance does. */
  beginUndecided(traceparent: string, requestId: string, traceState?: string): RequestContext;
  /** Starts the server span of a sampled request. Put it into `context.span` before `runWithContext`. */
  startServerSpan(start: TraceStart, name: string, attributes?: Attributes): Span;
  endServerSpan(span: Span, end: ServerSpanEnd): void;
  /** Runs `fn` in a child of the current span; without a sampled one it only runs `fn`. */
  withSpan<T>(name: string, init: SpanInit, fn: (span: Span | undefined) => T): T;
  /** Runs `fn` in a context, and if sampled in a span, of its own. */
  runWork<T>(work: TracedWork, fn: (context: RequestContext) => T): T;
  /** A link to the trace that caused some work. */
  linkFromTraceparent(traceparent: string | undefined): Link | undefined;
  /** Headers that carry the request id and the trace to a callee, sampled or not. */
  outgoingHeaders(context?: RequestContext): Record<string, string>;
  /** Proves that the instrumentation really sees pg, ioredis and fetch. Its spans are not exported. */
  selfCheck(probes: SelfCheckProbes): Promise<SelfCheckResult>;
  stats(): TracingStats;
  /** Sends what is left, within bounds. Never throws. */
  shutdown(): Promise<void>;
}
