import { AsyncLocalStorage } from 'node:async_hooks';
import { Pool, type PoolClient } from 'pg';
import {
  Connection,
  type ConnectionEvents,
  type QueryEvent,
  type Settle,
  type Statement,
} from './connection';
import type { StoreGuard } from '../store-guard';
import { postgresUnavailable } from './sql-state';

export interface PoolHooks {
  /** After every statement, whatever became of it. `operation` is the statement's name. */
  onQuery?: (event: QueryEvent) => void;
  /** A connection was lost while nobody used it; the pool has already dropped it. */
  onPoolError?: (error: Error) => void;
}

export interface PoolOptions {
  url: string;
  applicationName: string;
  /** Connections at most. Each costs the server memory: more than a few per core seldom helps. */
  max: number;
  /** As many connections stay open however idle they are. */
  minIdle: number;
  /** How long a caller waits for a connection before it is told that the database is unavailable. */
  acquireTimeoutMs: number;
  /** After this the server ends a statement. */
  queryTimeoutMs: number;
  /** How much later than the server we give up by ourselves: a frozen server does not keep its limits. */
  queryGraceMs: number;
  idleTimeoutMs: number;
  maxLifetimeMs: number;
  /** A circuit breaker, for all but probes. */
  guard?: StoreGuard | undefined;
  hooks: PoolHooks;
}

export interface PoolStats {
  total: number;
  idle: number;
  waiting: number;
}

/** node-postgres' pool, made to heal: what is broken or suspect is dropped, and nothing waits without a limit. */
export class ConnectionPool {
  private readonly pool: Pool;
  private readonly clients = new Set<PoolClient>();
  private readonly events: ConnectionEvents;
  private readonly probeEvents: ConnectionEvents;
  private ended = false;

  constructor(private readonly options: PoolOptions) {
    this.pool = new Pool({
      connectionString: options.url,
      application_name: options.applicationName,
      max: options.max,
      min: options.minIdle,
      connectionTimeoutMillis: options.acquireTimeoutMs,
      statement_timeout: options.queryTimeoutMs,
      query_timeout: options.queryTimeoutMs + options.queryGraceMs,
      idleTimeoutMillis: options.idleTimeoutMs,
      maxLifetimeSeconds: options.maxLifetimeMs / 1000,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
    });
    this.probeEvents = { onQuery: options.hooks.onQuery, onReadTimeout: () => this.discardIdle() };
    this.events = {
      ...this.probeEvents,
      onFailure: (error, startedAt) => options.guard?.failed(error, startedAt),
    };
    this.pool.on('error', (error) => options.hooks.onPoolError?.(error));
    this.pool.on('connect', (client) => {
      // A connection that fails while it is on loan has no listener of the pool's, and an unheard error ends the process.
      client.on('error', () => undefined);
      this.clients.add(client);
    });
    this.pool.on('remove', (client) => this.clients.delete(client));
  }

  acquire(): Promise<Connection> {
    return new Promise((resolve, reject) =>
      this.lend((error, connection) => (connection ? resolve(connection) : reject(error as Error))),
    );
  }

  /** Runs one statement on whichever connection is free. */
  run(statement: Statement, operation: string, signal?: AbortSignal): Promise<RunResult> {
    return this.runOn((receive) => this.lend(receive), statement, { operation, signal });
  }

  /** The same past the guard, which asks in this way whether the database is back. */
  probe(statement: Statement, operation: string, signal?: AbortSignal): Promise<RunResult> {
    return this.runOn((receive) => this.lendUnguarded(receive, this.probeEvents), statement, {
      operation,
      signal,
    });
  }

  private runOn(
    lend: (receive: Receive) => void,
    statement: Statement,
    { operation, signal }: { operation: string; signal: AbortSignal | undefined },
  ): Promise<RunResult> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    return new Promise((resolve, reject) => {
      const started = performance.now();
      lend((error, connection) => {
        if (!connection) {
          this.options.hooks.onQuery?.({
            operation,
            seconds: (performance.now() - started) / 1000,
            outcome: 'unavailable',
          });
          return reject(error as Error);
        }
        if (signal?.aborted) {
          connection.release();
          return reject(signal.reason as Error);
        }
        const settle: Settle = (failure, result) => {
          connection.release();
          if (result) resolve(result);
          else reject(failure as Error);
        };
        if (signal) connection.runAbortable(statement, { operation, signal, settle });
        else connection.run(statement, operation, settle);
      });
    });
  }

  stats(): PoolStats {
    return { total: this.pool.totalCount, idle: this.pool.idleCount, waiting: this.pool.waitingCount };
  }

  /** True when every connection is lent out and others wait for one. */
  get saturated(): boolean {
    return this.pool.idleCount === 0 && this.pool.totalCount >= this.options.max;
  }

  /** Waits for the connections on loan, then cuts those that are still out. Resolves to how many were cut. */
  async close(limitMs: number): Promise<number> {
    if (this.ended) return 0;
    this.ended = true;
    const ended = this.pool.end();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, limitMs, 'late');
    });
    const outcome = await Promise.race([ended, late]);
    clearTimeout(timer);
    if (outcome !== 'late') return 0;
    const cut = this.clients.size;
    for (const client of this.clients) cutOff(client);
    return cut;
  }

  private lend(receive: Receive): void {
    const { guard } = this.options;
    const refusal = guard?.refusal();
    if (refusal) return receive(refusal, undefined);
    this.lendUnguarded(receive, this.events);
  }

  private lendUnguarded(receive: Receive, events: ConnectionEvents): void {
    const startedAt = performance.now();
    // Whoever waits is called by whoever gives a connection back, and must not take that one's context for its own.
    const inOwnContext = AsyncLocalStorage.bind(receive);
    this.pool.connect((error, client) => {
      if (client) return inOwnContext(undefined, new Connection(client, events));
      if (error) events.onFailure?.(error, startedAt);
      inOwnContext(postgresUnavailable(error), undefined);
    });
  }

  /** Takes every idle connection and drops it: found in one pass, so that a fault costs one timeout and not one for each. */
  private discardIdle(): void {
    for (let left = this.pool.idleCount; left > 0; left -= 1) {
      this.pool.connect((_error, client) => client?.release(true));
    }
  }
}

type Receive = (error: unknown, connection: Connection | undefined) => void;

export interface RunResult {
  rows: unknown[];
  rowCount: number | null;
}

function cutOff(client: PoolClient): void {
  // Ending it politely would wait for the statement that is stuck; the driver's types hide the socket.
  const { connection } = client as unknown as { connection: { stream: { destroy(): void } } };
  connection.stream.destroy();
}
