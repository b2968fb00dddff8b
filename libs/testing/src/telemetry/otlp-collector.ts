import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { waitFor } from '../wait-for';
import type { OtlpAttributes, OtlpSpan, OtlpTraces, OtlpValue } from './otlp-json';
import { readOtlpTraces } from './otlp-protobuf';

export interface CollectedSpan {
  service: string;
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  /** OTLP's numbers: 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  kind: number;
  attributes: Record<string, unknown>;
  events: { name: string; attributes: Record<string, unknown> }[];
  links: { traceId: string; spanId: string }[];
  /** 0 unset, 1 ok, 2 error. */
  status: number;
}

export interface OtlpCollector {
  /** What `OTLP_ENDPOINT` should be. */
  readonly url: string;
  spans(): CollectedSpan[];
  /** The spans of one trace, or of all, by trace id. */
  trace(traceId: string): CollectedSpan[];
  /** Resolves with the trace's spans once the condition holds of them. */
  waitForTrace(
    traceId: string,
    complete: (spans: CollectedSpan[]) => boolean,
    timeoutMs?: number,
  ): Promise<CollectedSpan[]>;
  /** All that was received, as text: for looking for what must not be in it. */
  text(): string;
  clear(): void;
  close(): Promise<void>;
}

/** Takes traces as OpenTelemetry's HTTP exporters send them: OTLP in JSON or protobuf, gzipped or not. */
export async function startOtlpCollector(): Promise<OtlpCollector> {
  let collected: CollectedSpan[] = [];
  let bodies: string[] = [];
  const server = http.createServer((request, response) => {
    void readBody(request).then((body) => {
      const isJson = request.headers['content-type']?.includes('json') ?? false;
      bodies.push(body.toString());
      collected.push(...spansIn(isJson ? (JSON.parse(body.toString()) as OtlpTraces) : readOtlpTraces(body)));
      if (isJson) response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      else response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const trace = (traceId: string) => collected.filter((span) => span.traceId === traceId);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: () => [...collected],
    trace,
    waitForTrace: (traceId, complete, timeoutMs = 10_000) =>
      waitFor(() => complete(trace(traceId)) && trace(traceId), { timeoutMs, what: `trace ${traceId}` }),
    text: () => bodies.join('\n'),
    clear: () => {
      collected = [];
      bodies = [];
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function readBody(request: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  return request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
}

function spansIn({ resourceSpans = [] }: OtlpTraces): CollectedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans = [] }) => {
    const service = String(toObject(resource?.attributes)['service.name'] ?? '');
    return scopeSpans.flatMap(({ spans = [] }) => spans.map((span) => toSpan(service, span)));
  });
}

function toSpan(service: string, span: OtlpSpan): CollectedSpan {
  return {
    service,
    name: span.name,
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId || undefined,
    kind: span.kind,
    attributes: toObject(span.attributes),
    events: (span.events ?? []).map(({ name, attributes }) => ({ name, attributes: toObject(attributes) })),
    links: (span.links ?? []).map(({ traceId, spanId }) => ({ traceId, spanId })),
    status: span.status?.code ?? 0,
  };
}

function toObject(attributes: OtlpAttributes = []): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, toValue(value)]));
}

function toValue(value: OtlpValue): unknown {
  if (value.arrayValue) return (value.arrayValue.values ?? []).map(toValue);
  if (value.intValue !== undefined) return Number(value.intValue);
  return value.stringValue ?? value.boolValue ?? value.doubleValue;
}
