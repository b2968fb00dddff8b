import { context, trace } from '@opentelemetry/api';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { IORedisInstrumentation } from '@opentelemetry/instrumentation-ioredis';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';
import { UndiciInstrumentation, type UndiciRequest } from '@opentelemetry/instrumentation-undici';

const PROPAGATED = new Set(['traceparent', 'tracestate']);

/** The instrumentation adds headers of its own, with the id of the outgoing span: there must not be two of them. */
function dropPropagationHeaders(request: UndiciRequest): void {
  const { headers } = request;
  if (!Array.isArray(headers)) return;
  for (let at = headers.length - 2; at >= 0; at -= 2)
    if (PROPAGATED.has(String(headers[at]).toLowerCase())) headers.splice(at, 2);
}

const hasNoSpan = (): boolean => trace.getSpan(context.active()) === undefined;

/**
 * Wraps pg, ioredis, undici and fetch. It has to run before they are loaded (`node --require ./telemetry.js`).
 * Without a sampled span they do nothing. Values never get into spans: of SQL only the text, of Redis only the command.
 */
export function instrumentLibraries(): void {
  registerInstrumentations({
    instrumentations: [
      new PgInstrumentation({ requireParentSpan: true, enhancedDatabaseReporting: false }),
      new IORedisInstrumentation({ requireParentSpan: true, dbStatementSerializer: (command) => command }),
      new UndiciInstrumentation({
        requireParentforSpans: true,
        ignoreRequestHook: hasNoSpan,
        requestHook: (_span, request) => dropPropagationHeaders(request),
      }),
    ],
  });
}
