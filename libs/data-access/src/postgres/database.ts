import type { Knex } from 'knex';
import { ConnectionPool, type PoolHooks, type PoolOptions, type PoolStats } from './connection-pool';
import { createKnex } from './knex';
import { listen, type Listener } from './listener';
import type { StoreGuard } from '../store-guard';
import {
  runTransaction,
  toQueryResult,
  toStatement,
  type Queryable,
  type QueryOptions,
  type QueryResult,
  type Row,
  type Transaction,
  type TransactionOptions,
} from './transaction';

export interface DatabaseHooks extends PoolHooks {
  /** An `onCommit` action failed. The transaction stands; what the action was for has not happened. */
  onCommitActionError?: (error: unknown) => void;
}

export interface DatabaseOptions extends Partial<Omit<PoolOptions, 'hooks' | 'url'>> {
  url: string;
  hooks?: DatabaseHooks;
}

const defaults = {
  applicationName: 'rostrum',
  max: 10,
  minIdle: 0,
  acquireTimeoutMs: 2_000,
  queryTimeoutMs: 10_000,
  queryGraceMs: 500,
  idleTimeoutMs: 300_000,
  maxLifetimeMs: 1_800_000,
};

const pingTimeoutMs = 1_000;
/** While the pool is saturated, an answer this recent shows that the database is well. */
const recentAnswerMs = 5_000;

/** One service's PostgreSQL: one pool under prepared statements, transactions and knex. */
export class Database implements Queryable {
  /** For queries that are built. Hot paths use `query`. */
  readonly knex: Knex;
  private readonly pool: ConnectionPool;
  private readonly hooks: DatabaseHooks;
  private readonly url: string;
  private readonly applicationName: string;
  private lastAnswerAt = 0;

  constructor(options: DatabaseOptions) {
    const { hooks = {}, guard, ...limits } = options;
    this.hooks = hooks;
    this.url = options.url;
    this.applicationName = options.applicationName ?? defaults.applicationName;
    this.pool = new ConnectionPool({
      ...defaults,
      ...limits,
      guard: guard && this.unlessBusy(guard),
      hooks: {
        ...hooks,
        onQuery: (event) => {
          if (event.outcome === 'ok') this.lastAnswerAt = performance.now();
          hooks.onQuery?.(event);
        },
      },
    });
    this.knex = createKnex(this.pool);
  }

  async query<T extends object = Row>(
    ...[name, text, values, options]: Parameters<Queryable['query']>
  ): Promise<QueryResult<T>> {
    const statement = { name, text, ...(values && { values: values as unknown[] }) };
    return toQueryResult(await this.pool.run(statement, name, options?.signal));
  }

  async run<T extends object = Row>(
    operation: string,
    built: Knex.QueryBuilder | Knex.Raw,
    options?: QueryOptions,
  ): Promise<QueryResult<T>> {
    return toQueryResult(await this.pool.run(toStatement(built), operation, options?.signal));
  }

  /** Runs `work` in one transaction on one connection; commits when it resolves, rolls back when it rejects. */
  async transaction<T>(work: (trx: Transaction) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    options.signal?.throwIfAborted();
    const connection = await this.pool.acquire();
    const committed = await runTransaction(connection, work, options).finally(() => connection.release());
    for (const action of committed.actions) {
      try {
        await action();
      } catch (error) {
        this.hooks.onCommitActionError?.(error);
      }
    }
    return committed.value;
  }

  /** Resolves when the database answers; rejects within about a second when it does not. */
  async ping(signal?: AbortSignal): Promise<void> {
    if (this.busyButWell) return;
    await this.pool.probe({ text: 'select 1', query_timeout: pingTimeoutMs }, 'ping', signal);
  }

  /**
   * Calls back for each notification on the channel, and once after each new connection, as some may have been lost
   * before it. Takes a connection beside the pool's.
   */
  listen(channel: string, onNotification: (payload: string) => void): Listener {
    return listen({ url: this.url, applicationName: this.applicationName, channel, onNotification });
  }

  stats(): PoolStats {
    return this.pool.stats();
  }

  /** Ends all connections, waiting for busy ones up to the limit. Resolves to how many had to be cut off. */
  close(limitMs = 10_000): Promise<number> {
    return this.pool.close(limitMs);
  }

  private get busyButWell(): boolean {
    return this.pool.saturated && performance.now() - this.lastAnswerAt < recentAnswerMs;
  }

  /** That we want more connections than we may have is no failure of the database. */
  private unlessBusy(guard: StoreGuard): StoreGuard {
    return {
      refusal: () => guard.refusal(),
      failed: (error, startedAt) => {
        if (!this.busyButWell) guard.failed(error, startedAt);
      },
    };
  }
}

/** Opens no connection yet: the first use does, so that a service can start before its database. */
export function createDatabase(options: DatabaseOptions): Database {
  return new Database(options);
}
