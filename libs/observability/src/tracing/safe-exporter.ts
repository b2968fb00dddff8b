import type { Attributes } from '@opentelemetry/api';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-node';
import { KnownTexts } from '../redaction/known-texts';
import { isSecretKey, isSecretUnder, REDACTED } from '../redaction/secret-keys';
import { isPlain, redactText } from '../redaction/secret-text';
import type { TracingHooks, TracingStats } from './types';

type ExportCallback = Parameters<SpanExporter['export']>[1];

/** Attributes of URLs carry the query, where clients put what they should not. */
function withoutQuery(url: string): string {
  const end = url.search(/[?#]/);
  return end === -1 ? url : url.slice(0, end);
}

const knownTexts = new KnownTexts(redactText);

/** Most attributes are paths, or have few values: routes, statements, names of things. */
const redacted = (text: string) => (isPlain(text) ? text : knownTexts.get(text));

function redactAttributes(attributes: Attributes | undefined): void {
  if (!attributes) return;
  if ('url.query' in attributes) delete attributes['url.query'];
  for (const key of Object.keys(attributes)) {
    const value = attributes[key];
    if (isSecretKey(key) && isSecretUnder(key, value)) attributes[key] = REDACTED;
    else if (typeof value === 'string')
      attributes[key] = redacted(key === 'url.full' ? withoutQuery(value) : value);
    else if (Array.isArray(value))
      attributes[key] = value.map((item) => (typeof item === 'string' ? redacted(item) : item)) as string[];
  }
}

/** The span has ended and nobody reads it any more but the exporter: it is changed in place. */
function redactSpan(span: ReadableSpan): void {
  redactAttributes(span.attributes);
  for (const event of span.events) redactAttributes(event.attributes);
  for (const link of span.links) redactAttributes(link.attributes);
  if (span.status.message !== undefined) span.status.message = redactText(span.status.message);
}

/** Stands between the SDK and the real exporter: takes secrets out, counts, and lets no failure through. */
export class SafeExporter implements SpanExporter {
  readonly counts: Pick<TracingStats, 'exportedSpans' | 'failedSpans'> = { exportedSpans: 0, failedSpans: 0 };

  constructor(
    private readonly exporter: SpanExporter,
    private readonly hooks: TracingHooks = {},
  ) {}

  export(spans: ReadableSpan[], callback: ExportCallback): void {
    try {
      spans.forEach(redactSpan);
      this.exporter.export(spans, (result) => {
        if (result.code === 0) this.counts.exportedSpans += spans.length;
        else this.fail(result.error, spans.length);
        callback(result);
      });
    } catch (error) {
      this.fail(error, spans.length);
      callback({ code: 1, error: error instanceof Error ? error : new Error(String(error)) });
    }
  }

  async forceFlush(): Promise<void> {
    await this.exporter.forceFlush?.();
  }

  shutdown(): Promise<void> {
    return this.exporter.shutdown();
  }

  private fail(error: unknown, spans: number): void {
    this.counts.failedSpans += spans;
    this.hooks.onExportFailure?.(error, spans);
  }
}
