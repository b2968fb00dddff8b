import type { SelfCheckProbes, SelfCheckResult, SelfCheckState } from './types';

const PROBE_MS = 5000;

/** The instrumentation whose span proves that a library is wrapped. */
const SCOPES = {
  pg: '@opentelemetry/instrumentation-pg',
  ioredis: '@opentelemetry/instrumentation-ioredis',
  http: '@opentelemetry/instrumentation-undici',
} as const;

async function succeeds(probe: () => Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), PROBE_MS);
  });
  try {
    return await Promise.race([probe().then(() => true), late]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}

/** Calls the probes one after the other, and looks which libraries started spans. */
export async function runSelfCheck(
  probes: SelfCheckProbes,
  scopes: ReadonlySet<string>,
): Promise<SelfCheckResult> {
  const check = async (
    probe: (() => Promise<unknown>) | undefined,
    scope: string,
  ): Promise<SelfCheckState> => {
    if (!probe) return 'not-checked';
    const succeeded = await succeeds(probe);
    if (scopes.has(scope)) return 'wrapped'; // it was seen, even if its server did not answer
    return succeeded ? 'not-wrapped' : 'failed';
  };
  const pg = await check(probes.query, SCOPES.pg);
  const ioredis = await check(probes.ping, SCOPES.ioredis);
  const http = await check(probes.fetch, SCOPES.http);
  return { ok: ![pg, ioredis, http].includes('not-wrapped'), pg, ioredis, http };
}
