import { AsyncLocalStorage } from 'node:async_hooks';
import { context as otelContext, ROOT_CONTEXT, trace, type Span } from '@opentelemetry/api';
import { formatTraceparent } from './traceparent';

/** The ids of one piece of work and whether its trace is sampled; decided before any SDK object exists. */
export interface TraceStart {
  readonly requestId: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
  /** The caller's span id, when a `traceparent` was trusted. */
  readonly parentSpanId?: string | undefined;
  /** The caller's `tracestate`, passed on unchanged. */
  readonly traceState?: string | undefined;
}

/** What every log line, span and outgoing call of one request, message or job is marked with. */
export class RequestContext implements TraceStart {
  readonly requestId: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
  readonly parentSpanId: string | undefined;
  readonly traceState: string | undefined;
  /** Set by authentication. */
  userId: string | undefined = undefined;
  /** Method and route pattern, set by routing. */
  endpoint: string | undefined = undefined;
  method: string | undefined = undefined;
  /** The server span, only when sampled; `runWithContext` makes it the parent of what runs inside. */
  span: Span | undefined = undefined;

  constructor(start: TraceStart) {
    this.requestId = start.requestId;
    this.traceId = start.traceId;
    this.spanId = start.spanId;
    this.sampled = start.sampled;
    this.parentSpanId = start.parentSpanId;
    this.traceState = start.traceState;
  }

  /** The `traceparent` that makes a callee a child of this context. */
  traceparent(): string {
    return formatTraceparent(this.traceId, this.spanId, this.sampled);
  }
}

const storage = new AsyncLocalStorage<RequestContext>();

/** Runs `fn`, and everything it starts, inside the context; a sampled context also carries its span. */
export function runWithContext<T>(context: RequestContext, fn: () => T): T {
  const { span } = context;
  if (span === undefined) return storage.run(context, fn);
  return storage.run(context, () => otelContext.with(trace.setSpan(ROOT_CONTEXT, span), fn));
}

/** The context of the running request, message or job, if there is one. */
export function currentContext(): RequestContext | undefined {
  return storage.getStore();
}
