import type { StoreGuard } from '../store-guard';
import type { TlsOptions } from './connection-target';
import type { QueryEvent } from './pool/connection';
import type { PoolHooks, PoolOptions } from './pool/pool-options';
import type { ReadEvent } from './replicas/reader';
import type { ReplicaChange, ReplicaLimits } from './replicas/replica-set';
import type { RetryBudget } from './retry-budget';
import type { RetryEvent } from './transaction-retry';

export interface DatabaseHooks extends PoolHooks {
  /** An `onCommit` action failed. The transaction stands; what the action was for has not happened. */
  onCommitActionError?: (error: unknown) => void;
  /** A statement took at least `slowQueryMs`. Called in the context of whoever asked, as `onQuery` is. */
  onSlowQuery?: (event: QueryEvent) => void;
  /** A transaction is about to be tried again. */
  onRetry?: (event: RetryEvent) => void;
  /** A replica is left out, or has come back. */
  onReplicaChange?: (change: ReplicaChange) => void;
  /** A reader has been answered. */
  onRead?: (event: ReadEvent) => void;
}

type Limits = Omit<PoolOptions, 'client' | 'guard' | 'hooks' | 'serverKeepsLimit' | 'prepares'>;

export interface DatabaseOptions extends Partial<Limits> {
  url: string;
  /** Past the pooler: for what needs a session of its own. */
  directUrl?: string | undefined;
  tls?: TlsOptions;
  /**
   * `transaction`: the URL leads to a pooler (PgBouncer) that lends server connections for one transaction at a time, so
   * statements are not prepared and limits are set within each transaction.
   */
  pooler?: 'none' | 'transaction';
  applicationName?: string;
  replicaUrls?: readonly string[];
  replicaLimits?: Partial<ReplicaLimits>;
  slowQueryMs?: number;
  /** How often transactions are tried again when they do not say otherwise. */
  retries?: number;
  /** By default one that all databases of the process share. */
  retryBudget?: RetryBudget;
  /** A circuit breaker, for all but probes. Replicas have none: whoever fails is left out. */
  guard?: StoreGuard | undefined;
  hooks?: DatabaseHooks;
}

export const databaseDefaults = {
  applicationName: 'rostrum',
  max: 10,
  minIdle: 0,
  acquireTimeoutMs: 2_000,
  queryTimeoutMs: 10_000,
  queryGraceMs: 500,
  idleTimeoutMs: 300_000,
  maxLifetimeMs: 1_800_000,
  idleCheckMs: 30_000,
  leakAfterMs: 300_000,
  retries: 2,
  replicaLimits: {
    maxLagMs: 5_000,
    maxLagBytes: 64 * 1024 * 1024,
    checkEveryMs: 1_000,
    checkTimeoutMs: 1_000,
  },
};
