import type { Kit } from './kit';

/** One harmless call to each thing whose calls should show up in traces. */
export interface SelfCheckProbes {
  query?: () => Promise<unknown>;
  ping?: () => Promise<unknown>;
}

/** Makes one trace at boot and looks whether each library put its span into it; says so loudly where not. */
export async function proveInstrumentation(
  { tracing, logger, metrics }: Kit,
  probes: SelfCheckProbes,
  opsPort: number,
) {
  const wrapped = metrics.gauge('tracing_instrumented', 'Whether the boot check saw spans of a library', [
    'library',
  ]);
  const result = await tracing.selfCheck({
    ...probes,
    fetch: () => fetch(`http://127.0.0.1:${opsPort}/healthz`),
  });
  for (const library of ['http', 'pg', 'ioredis'] as const) {
    wrapped.set({ library }, result[library] === 'wrapped' ? 1 : 0);
  }
  const { http, pg, ioredis } = result;
  if (result.ok) logger.info('Tracing sees http, pg and ioredis', { http, pg, ioredis });
  else logger.error('TRACING IS BLIND: start with `node --require ./telemetry.js`', { http, pg, ioredis });
}
