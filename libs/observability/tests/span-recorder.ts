import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-node';
import { startTracing } from '../src/tracing/tracing';
import type { Tracing, TracingOptions } from '../src/tracing/types';

/** Keeps the spans that are exported, or fails in one of the ways in which exporters do. */
export class SpanRecorder implements SpanExporter {
  spans: ReadableSpan[] = [];
  answer: 'ok' | 'fail' | 'throw' | 'hang' = 'ok';
  release: () => void = () => undefined;

  export: SpanExporter['export'] = (spans, callback) => {
    if (this.answer === 'throw') throw new Error('exporter');
    if (this.answer === 'hang') {
      this.release = () => callback({ code: 0 });
      return;
    }
    if (this.answer === 'ok') this.spans.push(...spans);
    callback(this.answer === 'ok' ? { code: 0 } : { code: 1, error: new Error('refused') });
  };

  shutdown = () => Promise.resolve();
}

/** Traces everything, at once. */
export function startRecorded(options: Partial<TracingOptions>): {
  tracing: Tracing;
  recorder: SpanRecorder;
} {
  const recorder = new SpanRecorder();
  const tracing = startTracing({
    service: 'posts',
    version: '1',
    environment: 'test',
    enabled: true,
    samplingRate: 1,
    exporter: recorder,
    batchDelayMs: 5,
    shutdownTimeoutMs: 300,
    ...options,
  });
  return { tracing, recorder };
}
