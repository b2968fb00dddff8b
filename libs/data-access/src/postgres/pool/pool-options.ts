import type { ClientConfig } from 'pg';
import type { StoreGuard } from '../../store-guard';
import type { QueryEvent } from './connection';
import type { Leak } from './loan-watch';

export interface PoolHooks {
  /** After every statement, whatever became of it. `operation` is the statement's name. */
  onQuery?: (event: QueryEvent) => void;
  /** A connection was lost while nobody used it; the pool has already dropped it. */
  onPoolError?: (error: Error) => void;
  /** A connection has not been given back for very long. */
  onLeak?: (leak: Leak) => void;
}

export interface PoolOptions {
  /** Where to connect, as whom, and in what way. */
  client: ClientConfig;
  /** Connections at most. Each costs the server memory: more than a few per core seldom helps. */
  max: number;
  /** As many connections are open, however idle they are, as soon and as long as the server is there. */
  minIdle: number;
  /** How long a caller waits for a connection before it is told that the database is unavailable. */
  acquireTimeoutMs: number;
  /** After this a statement is ended. */
  queryTimeoutMs: number;
  /** How much later we give up by ourselves: a frozen server does not keep its limits. */
  queryGraceMs: number;
  idleTimeoutMs: number;
  /** Connections are replaced at some time in the last tenth of it, lest they all are at once. */
  maxLifetimeMs: number;
  /** An idle connection is asked so often whether it is still there. */
  idleCheckMs: number;
  /** From when on a connection counts as forgotten by whoever took it. */
  leakAfterMs: number;
  /** Whether the server ends statements by `statement_timeout`; behind a pooler, which refuses to hand that on, we do. */
  serverKeepsLimit: boolean;
  /** Whether statements with a name are prepared; behind a pooler the next one may meet another server process. */
  prepares: boolean;
  /** A circuit breaker, for all but probes. */
  guard?: StoreGuard | undefined;
  hooks: PoolHooks;
}

export interface PoolStats {
  /** The most there may be. */
  max: number;
  total: number;
  active: number;
  idle: number;
  /** Callers that wait for a connection. */
  waiting: number;
}

export interface WaitOptions {
  operation: string;
  signal?: AbortSignal | undefined;
  /** Past the guard, which asks in this way whether the database is back. */
  probe?: boolean;
}

/** How often the pool looks after its connections. */
export function tickOf({ acquireTimeoutMs, queryTimeoutMs }: PoolOptions): number {
  return Math.max(5, Math.min(100, acquireTimeoutMs / 10, queryTimeoutMs / 10));
}
