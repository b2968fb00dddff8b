import type { Config, databaseSettings } from '@rostrum/config';
import { createDatabase, type Database } from '@rostrum/data-access';
import type { Dependency } from '../health/health-registry';
import type { Kit } from '../lifecycle/kit';
import type { Resource } from '../lifecycle/service';

export interface OpenDatabase {
  database: Database;
  dependency: Dependency;
  resource: Resource;
}

const queryBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/** The service's PostgreSQL, with its metrics, its place in readiness and its end. */
export function openDatabase(kit: Kit, config: Config<typeof databaseSettings>): OpenDatabase {
  const { metrics, logger } = kit;
  const durations = metrics.histogram(
    'db_query_duration_seconds',
    'Time from asking PostgreSQL to its answer',
    { labelNames: ['operation', 'outcome'], buckets: queryBuckets },
  );
  const gate = kit.breakers.openGate(
    'postgres',
    (signal) => database.ping(signal),
    'what is cached is still read; all else is answered 503',
  );
  const database: Database = createDatabase({
    url: config.databaseUrl,
    applicationName: `rostrum ${kit.service} ${kit.role}`,
    max: config.databaseMaxConnections,
    minIdle: Math.min(config.databaseMinIdle, config.databaseMaxConnections),
    maxLifetimeMs: config.databaseConnMaxLifetime * 1000,
    idleTimeoutMs: config.databaseConnMaxIdle * 1000,
    queryTimeoutMs: config.databaseQueryTimeoutMs,
    guard: gate,
    hooks: {
      onQuery: ({ operation, outcome, seconds }) => durations.observe({ operation, outcome }, seconds),
      onPoolError: (error) => logger.warn('A PostgreSQL connection was lost', { error }),
      onCommitActionError: (error) => logger.error('What should follow a commit has failed', { error }),
    },
  });
  metrics.gauge('db_pool_connections', 'Connections to PostgreSQL, by state', {
    labelNames: ['state'],
    collect: (gauge) => {
      const { total, idle, waiting } = database.stats();
      gauge.set({ state: 'active' }, total - idle);
      gauge.set({ state: 'idle' }, idle);
      gauge.set({ state: 'waiting' }, waiting);
    },
  });
  return {
    database,
    dependency: {
      name: 'postgres',
      criticality: 'critical',
      check: (signal) => gate.check(signal),
      breaker: gate,
    },
    resource: {
      name: 'postgres',
      close: async () => {
        gate.dispose();
        await database.close();
      },
    },
  };
}
