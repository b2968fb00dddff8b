import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Breaker } from '@rostrum/resilience';

/** Whether a service can do without a dependency for a while. */
export type Criticality = 'critical' | 'degradable';

export interface Dependency {
  name: string;
  criticality: Criticality;
  /** Resolves where the dependency answers; must give up when the signal says so. */
  check: (signal: AbortSignal) => Promise<unknown>;
  /** While it is not closed the dependency is not used, so it is as good as down, whatever the last check said. */
  breaker?: Pick<Breaker, 'state'>;
}

export interface DependencyState {
  name: string;
  criticality: Criticality;
  status: 'up' | 'down' | 'unknown';
  latencyMs: number | null;
  checkedAt: string | null;
  /** The kind of error, never its text. */
  error: string | null;
}

export interface ReadinessSummary {
  status: 'ready' | 'degraded' | 'not ready';
  degraded: string[];
  down: string[];
  draining: boolean;
}

export interface HealthOptions {
  dependencies: readonly Dependency[];
  intervalMs?: number;
  timeoutMs?: number;
  onChange?: (state: DependencyState) => void;
}

const defaultIntervalMs = 1000;
const defaultTimeoutMs = 1000;

/**
 * Knows whether the process may be sent requests. Dependencies are asked in the background, so that a probe is
 * answered at once, also while a dependency hangs.
 */
export class HealthRegistry {
  private readonly states = new Map<string, DependencyState>();
  private readonly breakers: ReadonlyMap<string, Dependency['breaker']>;
  private readonly loopDelay = monitorEventLoopDelay({ resolution: 20 });
  private readonly timers = new Map<string, NodeJS.Timeout>();
  private stopped = false;
  private draining = false;
  private started = false;

  constructor(private readonly options: HealthOptions) {
    this.breakers = new Map(options.dependencies.map(({ name, breaker }) => [name, breaker]));
    for (const { name, criticality } of options.dependencies) {
      this.states.set(name, {
        name,
        criticality,
        status: 'unknown',
        latencyMs: null,
        checkedAt: null,
        error: null,
      });
    }
  }

  /** Begins to ask; resolves when each dependency has been asked once. */
  async start(): Promise<void> {
    this.loopDelay.enable();
    await Promise.all(this.options.dependencies.map((dependency) => this.ask(dependency)));
    this.started = true;
    for (const dependency of this.options.dependencies) this.askAgainLater(dependency);
  }

  /** From now on readiness fails, whatever the dependencies say. */
  startDraining(): void {
    this.draining = true;
  }

  stop(): void {
    this.stopped = true;
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.loopDelay.disable();
  }

  readiness(): { ready: boolean; summary: ReadinessSummary } {
    const unwell = [...this.states.values()].filter(
      ({ name, status }) => status !== 'up' || this.breakerOf(name) !== 'closed',
    );
    const down = unwell.filter(({ criticality }) => criticality === 'critical').map(({ name }) => name);
    const degraded = unwell.filter(({ criticality }) => criticality === 'degradable').map(({ name }) => name);
    const ready = this.started && !this.draining && down.length === 0;
    const status = ready ? (degraded.length > 0 ? 'degraded' : 'ready') : 'not ready';
    return { ready, summary: { status, degraded, down, draining: this.draining } };
  }

  /** The detailed form of readiness. */
  readinessDetails(): { ready: boolean; body: object } {
    const { ready, summary } = this.readiness();
    const dependencies = [...this.states.values()].map((state) =>
      this.breakers.get(state.name) ? { ...state, breaker: this.breakerOf(state.name) } : state,
    );
    return { ready, body: { ...summary, dependencies } };
  }

  /** The detailed form of liveness: never asks a dependency, so that none of them can get the process killed. */
  livenessDetails(): object {
    const { heapUsed, rss } = process.memoryUsage();
    return {
      status: 'ok',
      uptimeSeconds: Math.round(process.uptime()),
      eventLoopDelayMs: {
        mean: milliseconds(this.loopDelay.mean),
        p99: milliseconds(this.loopDelay.percentile(99)),
      },
      memoryBytes: { heapUsed, rss },
    };
  }

  private breakerOf(name: string): ReturnType<Breaker['state']> {
    return this.breakers.get(name)?.state() ?? 'closed';
  }

  private askAgainLater(dependency: Dependency): void {
    if (this.stopped) return;
    const again = () => void this.ask(dependency).then(() => this.askAgainLater(dependency));
    this.timers.set(dependency.name, setTimeout(again, this.options.intervalMs ?? defaultIntervalMs).unref());
  }

  private async ask({ name, criticality, check }: Dependency): Promise<void> {
    const startedAt = performance.now();
    const error = await failureOf(check, this.options.timeoutMs ?? defaultTimeoutMs);
    const state: DependencyState = {
      name,
      criticality,
      status: error === null ? 'up' : 'down',
      latencyMs: Math.round((performance.now() - startedAt) * 100) / 100,
      checkedAt: new Date().toISOString(),
      error,
    };
    const before = this.states.get(name)?.status;
    this.states.set(name, state);
    if (before !== state.status) this.options.onChange?.(state);
  }
}

/** Null where the check succeeds in time, else the kind of its error. */
async function failureOf(check: Dependency['check'], timeoutMs: number): Promise<string | null> {
  const controller = new AbortController();
  const timeout = Promise.withResolvers<string>();
  const timer = setTimeout(() => {
    controller.abort();
    timeout.resolve('TIMEOUT');
  }, timeoutMs);
  try {
    return await Promise.race([check(controller.signal).then(() => null, kindOf), timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function kindOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown };
  return String(code ?? name ?? 'ERROR');
}

function milliseconds(nanoseconds: number): number {
  return Number.isFinite(nanoseconds) ? Math.round(nanoseconds / 10_000) / 100 : 0;
}
