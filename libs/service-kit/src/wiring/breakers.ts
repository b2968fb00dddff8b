import type { Config, serviceSettings } from '@rostrum/config';
import type { Metrics, RostrumLogger } from '@rostrum/observability';
import {
  createGate,
  createPolicy,
  type Breaker,
  type BreakerHooks,
  type BreakerOptions,
  type BreakerState,
  type Gate,
  type GateOptions,
  type Policy,
  type PolicyOptions,
} from '@rostrum/resilience';
import type { AdminAction, OpsReply } from '../ops/admin-actions';

/** What `circuit_breaker_state` shows: the higher, the worse. */
const stateValues: Record<BreakerState, number> = { closed: 0, 'half-open': 1, open: 2, 'forced-open': 3 };
const reasons = ['circuit-open', 'bulkhead-full'] as const;

interface Known {
  breaker: Breaker;
  whenOpen: string;
  since: Date;
}

const refused = 'what needs it is answered 503';

/** All circuit breakers of a process: what they tell goes into its logs and metrics, and operators find them here. */
export class Breakers {
  /** When circuits open, for whoever makes one of their own. */
  readonly limits: BreakerOptions;
  /** What circuits tell, for whoever makes one of their own and adds it. */
  readonly hooks: BreakerHooks;
  private readonly known = new Map<string, Known>();
  private readonly series: ReturnType<typeof createSeries>;

  constructor(
    private readonly logger: RostrumLogger,
    metrics: Metrics,
    config: Config<typeof serviceSettings>,
  ) {
    this.limits = {
      failures: config.breakerFailures,
      windowMs: config.breakerWindowMs,
      halfOpenAfterMs: config.breakerHalfOpenAfterMs,
    };
    this.series = createSeries(metrics);
    this.hooks = {
      onStateChange: (event) => this.changed(event),
      onFailure: ({ name }) => this.series.failures.inc({ name }),
      onRejected: ({ name, reason }) => this.series.rejections.inc({ name, reason }),
    };
  }

  /** A circuit for a store whose calls are too short to be wrapped. `whenOpen` tells operators what is done without it. */
  openGate(name: string, probe: GateOptions['probe'], whenOpen = refused): Gate {
    const gate = createGate({ name, probe, ...this.limits, hooks: this.hooks });
    this.add(gate, whenOpen);
    return gate;
  }

  /** Deadline, retries, circuit and bulkhead for calls that are wrapped. */
  openPolicy(options: Omit<PolicyOptions, 'hooks'>, whenOpen = refused): Policy {
    const breaker = options.breaker === false ? options.breaker : { ...this.limits, ...options.breaker };
    const policy = createPolicy({ ...options, breaker, hooks: this.hooks });
    this.add(policy, whenOpen);
    return policy;
  }

  add(breaker: Breaker, whenOpen = refused): void {
    const { name } = breaker;
    if (this.known.has(name)) throw new TypeError(`There are two circuit breakers called ${name}`);
    this.known.set(name, { breaker, whenOpen, since: new Date() });
    this.series.states.set({ name }, stateValues[breaker.state()]);
    this.series.failures.inc({ name }, 0);
    for (const reason of reasons) this.series.rejections.inc({ name, reason }, 0);
  }

  remove({ name }: Breaker): void {
    if (!this.known.delete(name)) return;
    this.series.states.remove({ name });
    this.series.failures.remove({ name });
    for (const reason of reasons) this.series.rejections.remove({ name, reason });
  }

  /** What an operator may see and do. */
  actions(): Record<string, AdminAction> {
    return {
      'GET /admin/breakers': () => ({ status: 200, body: { breakers: this.list() } }),
      'POST /admin/breakers/open': (query) => this.act(query, (breaker) => breaker.forceOpen()),
      'POST /admin/breakers/reset': (query) => this.act(query, (breaker) => breaker.reset()),
    };
  }

  private list() {
    return [...this.known.values()].map(describe);
  }

  private act(query: URLSearchParams, action: (breaker: Breaker) => void): OpsReply {
    const name = query.get('name') ?? '';
    const found = this.known.get(name);
    if (!found) {
      const names = [...this.known.keys()].join(', ');
      return { status: 404, body: { error: `?name= must be one of: ${names}` } };
    }
    action(found.breaker);
    return { status: 200, body: describe(found) };
  }

  private changed({ name, state, error }: { name: string; state: BreakerState; error?: unknown }): void {
    const found = this.known.get(name);
    if (found) found.since = new Date();
    this.series.states.set({ name }, stateValues[state]);
    const message = `The circuit breaker ${name} is ${state}`;
    if (state === 'open' || state === 'forced-open') this.logger.warn(message, { reason: error });
    else if (state === 'closed') this.logger.info(message);
    else this.logger.debug(message);
  }
}

function createSeries(metrics: Metrics) {
  return {
    states: metrics.gauge('circuit_breaker_state', '0 closed, 1 half-open, 2 open, 3 held open by hand', [
      'name',
    ]),
    failures: metrics.counter(
      'circuit_breaker_failures_total',
      'Calls that failed through the fault of what was called',
      ['name'],
    ),
    rejections: metrics.counter('circuit_breaker_rejections_total', 'Calls that were not made', [
      'name',
      'reason',
    ]),
  };
}

function describe({ breaker, since, whenOpen }: Known) {
  return { name: breaker.name, state: breaker.state(), since: since.toISOString(), whenOpen };
}
