export interface ShutdownPhase {
  name: string;
  timeoutMs: number;
  /** The signal fires when the phase is over its limit: what can be cut short should be. */
  run: (signal: AbortSignal) => unknown;
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
  /** The longest the whole shutdown may take; phases for which no time is left are begun but not waited for. */
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
  const over = new AbortController();
  const timer = setTimeout(
    () => over.abort(new Error(`The shutdown phase "${name}" is over its limit`)),
    limitMs,
  );
  const report = (outcome: PhaseOutcome, error?: unknown): PhaseReport => ({
    name,
    outcome,
    ms: Math.round(performance.now() - startedAt),
    ...(error !== undefined && { error }),
  });
  const late = new Promise<PhaseReport>((resolve) => {
    over.signal.addEventListener('abort', () => resolve(report('stuck')));
  });
  try {
    return await Promise.race([Promise.resolve(run(over.signal)).then(() => report('ok')), late]);
  } catch (error) {
    return report('failed', error);
  } finally {
    clearTimeout(timer);
  }
}
