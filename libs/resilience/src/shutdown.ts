import { setTimeout as delay } from 'node:timers/promises';

export interface ShutdownPhase {
  name: string;
  timeoutMs: number;
  run: () => Promise<void> | void;
  /** What to call the phase when it is stuck; may say what it still waits for. */
  describe?: () => string;
}

export type PhaseOutcome = 'ok' | 'failed' | 'stuck';

export interface PhaseReport {
  name: string;
  outcome: PhaseOutcome;
  ms: number;
  error?: unknown;
}

export interface ShutdownOptions {
  /** The longest the whole shutdown may take; phases that no time is left for get none. */
  maxMs: number;
  onPhase?: (report: PhaseReport) => void;
}

export interface ShutdownResult {
  ok: boolean;
  phases: PhaseReport[];
  /** The phases that failed or went over their limit. */
  stuck?: string;
}

/** Runs the phases one after the other, each within its limit; one that fails does not keep the next from running. */
export async function runShutdown(
  phases: readonly ShutdownPhase[],
  options: ShutdownOptions,
): Promise<ShutdownResult> {
  const endsAt = performance.now() + options.maxMs;
  const reports: PhaseReport[] = [];
  const unwell: string[] = [];
  for (const phase of phases) {
    const report = await runPhase(phase, Math.max(0, Math.min(phase.timeoutMs, endsAt - performance.now())));
    reports.push(report);
    options.onPhase?.(report);
    if (report.outcome !== 'ok') unwell.push(phase.describe?.() ?? phase.name);
  }
  return { ok: unwell.length === 0, phases: reports, ...(unwell.length > 0 && { stuck: unwell.join('; ') }) };
}

async function runPhase({ name, run }: ShutdownPhase, limitMs: number): Promise<PhaseReport> {
  const startedAt = performance.now();
  const limit = new AbortController();
  const report = (outcome: PhaseReport['outcome'], error?: unknown): PhaseReport => ({
    name,
    outcome,
    ms: Math.round(performance.now() - startedAt),
    ...(error !== undefined && { error }),
  });
  try {
    return await Promise.race([
      Promise.resolve(run()).then(() => report('ok')),
      delay(limitMs, undefined, { signal: limit.signal }).then(() => report('stuck')),
    ]);
  } catch (error) {
    return report('failed', error);
  } finally {
    limit.abort();
  }
}
