import type { Config, databaseSettings } from '@rostrum/config';
import { createDatabase, type Database, type DatabaseOptions } from '@rostrum/data-access';
import type { Dependency } from '../health/health-registry';
import type { Kit } from '../lifecycle/kit';
import type { Resource } from '../lifecycle/service';
import { connectionBudgetCheck } from './check-connection-budget';
import { databaseHooks, observeConnections } from './database-hooks';

export interface OpenDatabase {
  database: Database;
  dependency: Dependency;
  resource: Resource;
}

/** The service's PostgreSQL, with its metrics, its place in readiness and its end. */
export function openDatabase(kit: Kit, config: Config<typeof databaseSettings>): OpenDatabase {
  const gate = kit.breakers.openGate(
    'postgres',
    (signal) => database.ping(signal),
    'what is cached is still read; all else is answered 503',
  );
  const database: Database = createDatabase({
    ...waysTo(config),
    ...limitsOf(config),
    applicationName: `rostrum ${kit.service} ${kit.role}`,
    guard: gate,
    hooks: databaseHooks(kit),
  });
  observeConnections(kit, database);
  const budget = connectionBudgetCheck(kit, database, config);
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
      open: () => budget.open(),
      close: async () => {
        budget.close();
        gate.dispose();
        await database.close();
      },
    },
  };
}

function waysTo(config: Config<typeof databaseSettings>) {
  const { pooler, directUrl } = config.databaseWays;
  return {
    url: config.databaseUrl,
    directUrl,
    pooler,
    tls: config.databaseTls,
    replicaUrls: config.databaseReplicaUrls,
    replicaLimits: { maxLagMs: config.databaseReplicaMaxLagMs },
  } satisfies Partial<DatabaseOptions>;
}

function limitsOf(config: Config<typeof databaseSettings>) {
  return {
    max: config.databaseMaxConnections,
    minIdle: Math.min(config.databaseMinIdle, config.databaseMaxConnections),
    acquireTimeoutMs: config.databaseAcquireTimeoutMs,
    maxLifetimeMs: config.databaseConnMaxLifetime * 1000,
    idleTimeoutMs: config.databaseConnMaxIdle * 1000,
    queryTimeoutMs: config.databaseQueryTimeoutMs,
    slowQueryMs: config.databaseSlowQueryMs,
    leakAfterMs: config.databaseLeakAfterSeconds * 1000,
  } satisfies Partial<DatabaseOptions>;
}
