import type { Context } from '@opentelemetry/api';
import type { ReadableSpan, Span, SpanProcessor } from '@opentelemetry/sdk-trace-node';

/** Sends ended spans on to be exported, except those of the self-check, of which it keeps who made them. */
export class SpanRouter implements SpanProcessor {
  ended = 0;
  private readonly watched = new Map<string, Set<string>>();

  constructor(private readonly onward: SpanProcessor) {}

  /** The names of the libraries that start spans in this trace, from now on; the trace is never exported. */
  watch(traceId: string): ReadonlySet<string> {
    const scopes = new Set<string>();
    this.watched.set(traceId, scopes);
    return scopes;
  }

  onStart(span: Span, parentContext: Context): void {
    const scopes = this.watched.get(span.spanContext().traceId);
    if (scopes) scopes.add((span as Span & ReadableSpan).instrumentationScope.name);
    else this.onward.onStart(span, parentContext);
  }

  onEnd(span: ReadableSpan): void {
    if (this.watched.has(span.spanContext().traceId)) return;
    this.ended++;
    this.onward.onEnd(span);
  }

  forceFlush(): Promise<void> {
    return this.onward.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.onward.shutdown();
  }
}
