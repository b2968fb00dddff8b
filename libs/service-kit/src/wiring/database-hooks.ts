import type { Database, DatabaseHooks, QueryEvent } from '@rostrum/data-access';
import type { Kit } from '../lifecycle/kit';

const queryBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/** What the database tells of itself, as metrics and log lines. */
export function databaseHooks(kit: Kit): DatabaseHooks {
  const { metrics, logger } = kit;
  const leaks = metrics.counter(
    'db_connection_leaks_total',
    'Connections that were not given back for very long',
  );
  const reads = metrics.counter('db_reads_total', 'Reads that may go to replicas, by where they went', [
    'from',
  ]);
  const retries = metrics.counter(
    'db_transaction_retries_total',
    'Transactions begun anew, by what undid them',
    ['reason'],
  );
  leaks.inc(0);
  for (const reason of ['serialization', 'deadlock', 'connection']) retries.inc({ reason }, 0);
  const fromReplica = reads.labels('replica');
  const fromPrimary = reads.labels('primary');
  for (const series of [fromReplica, fromPrimary]) series.inc(0);
  return {
    onQuery: observeQueries(kit),
    onRead: ({ from }) => (from === 'primary' ? fromPrimary : fromReplica).inc(),
    onSlowQuery: ({ operation, seconds, outcome }) =>
      logger.warn(`The query ${operation} took ${seconds.toFixed(3)} s`, { operation, outcome }),
    onLeak: ({ seconds, stack }) => {
      leaks.inc();
      logger.error(`A PostgreSQL connection was taken ${Math.round(seconds)} s ago and not given back`, {
        stack,
      });
    },
    onRetry: ({ operation, reason, attempt }) => {
      retries.inc({ reason });
      logger.debug(`The transaction ${operation} begins anew: ${reason}`, { attempt });
    },
    onPoolError: (error) => logger.warn('A PostgreSQL connection was lost', { error }),
    onCommitActionError: (error) => logger.error('What should follow a commit has failed', { error }),
    onReplicaChange: ({ name, usable, reason }) =>
      usable
        ? logger.info(`The replica ${name} is read from`)
        : logger.warn(`The replica ${name} is left out: ${reason}`),
  };
}

/** Gauges that are looked up when somebody scrapes. */
export function observeConnections({ metrics }: Kit, database: Database): void {
  metrics.gauge('db_pool_connections', 'Connections to PostgreSQL, by state; max is how many there may be', {
    labelNames: ['state'],
    collect: (gauge) => {
      const { max, active, idle, waiting } = database.stats();
      for (const [state, count] of Object.entries({ max, active, idle, waiting }))
        gauge.set({ state }, count);
    },
  });
  if (!database.hasReplicas) return;
  metrics.gauge('db_replica_usable', 'Whether a replica is read from', {
    labelNames: ['replica'],
    collect: (gauge) => {
      for (const { name, usable } of database.replicaStats()) gauge.set({ replica: name }, usable ? 1 : 0);
    },
  });
  metrics.gauge('db_replica_lag_seconds', 'How old what a replica shows is, as far as is known', {
    labelNames: ['replica'],
    collect: (gauge) => {
      for (const { name, lagMs } of database.replicaStats())
        if (Number.isFinite(lagMs)) gauge.set({ replica: name }, lagMs / 1000);
    },
  });
}

/** A series that is looked up by its labels costs more than all else that is measured of a query. */
function observeQueries({ metrics }: Kit): (event: QueryEvent) => void {
  const durations = metrics.histogram(
    'db_query_duration_seconds',
    'Time from asking PostgreSQL to its answer',
    { labelNames: ['operation', 'outcome'], buckets: queryBuckets },
  );
  const answered = new Map<string, { observe(seconds: number): void }>();
  return ({ operation, outcome, seconds }) => {
    if (outcome !== 'ok') return durations.observe({ operation, outcome }, seconds);
    let series = answered.get(operation);
    if (!series) {
      series = durations.labels(operation, outcome);
      answered.set(operation, series);
    }
    series.observe(seconds);
  };
}
