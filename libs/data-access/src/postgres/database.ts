import type { Knex } from 'knex';
import type { ClientConfig } from 'pg';
import type { StoreGuard } from '../store-guard';
import { connectionBudgetProblem, type ConnectionPlan } from './connection-budget';
import { connectionTarget } from './connection-target';
import { databaseDefaults, type DatabaseHooks, type DatabaseOptions } from './database-options';
import { createKnex } from './knex';
import { listen, type Listener } from './listener';
import type { LentConnection } from './pool/connection';
import { ConnectionPool } from './pool/connection-pool';
import type { PoolOptions, PoolStats } from './pool/pool-options';
import { PooledQueries } from './pool/pooled-queries';
import type { Built, Queryable, QueryOptions, QueryResult, Row } from './queryable';
import { Reader } from './replicas/reader';
import type { ReplicaStats } from './replicas/replica';
import { ReplicaSet } from './replicas/replica-set';
import type { ReadPin } from './replicas/write-mark';
import { processRetryBudget, type RetryBudget } from './retry-budget';
import {
  runTransaction,
  type Transaction,
  type TransactionOptions,
  type TransactionProtocol,
} from './transaction';
import { withRetries } from './transaction-retry';

const pingTimeoutMs = 1_000;
/** While the pool is saturated, an answer this recent shows that the database is well. */
const recentAnswerMs = 5_000;

/** One service's PostgreSQL: one pool under prepared statements, transactions and knex, and one for each replica. */
export class Database implements Queryable {
  /** For queries that are built. Hot paths use `query`. */
  readonly knex: Knex;
  private readonly pool: ConnectionPool;
  private readonly queries: PooledQueries;
  private readonly replicas: ReplicaSet | undefined;
  private readonly hooks: DatabaseHooks;
  private readonly budget: RetryBudget;
  private readonly protocol: TransactionProtocol;
  private readonly unpinned: Reader;
  private lastAnswerAt = 0;

  constructor(private readonly options: DatabaseOptions) {
    const { hooks = {}, retryBudget = processRetryBudget } = options;
    this.hooks = hooks;
    this.budget = retryBudget;
    const settings = this.poolOptions();
    const client = clientConfig(options, options.url);
    this.pool = new ConnectionPool({
      ...settings,
      client,
      guard: options.guard && this.unlessBusy(options.guard),
    });
    this.queries = new PooledQueries(this.pool, settings.queryTimeoutMs);
    this.knex = createKnex(this.pool, settings.queryTimeoutMs);
    this.replicas = this.openReplicas(client, settings);
    this.protocol = {
      limitMs: settings.queryTimeoutMs,
      setsLimit: !settings.serverKeepsLimit,
      marksCommits: this.hasReplicas,
    };
    this.unpinned = this.createReader(undefined);
  }

  query<T extends object = Row>(...statement: Parameters<Queryable['query']>): Promise<QueryResult<T>> {
    return this.queries.query<T>(...statement);
  }

  run<T extends object = Row>(
    operation: string,
    built: Built,
    options?: QueryOptions,
  ): Promise<QueryResult<T>> {
    return this.queries.run<T>(operation, built, options);
  }

  /**
   * For reads alone, which may be asked twice: of a replica that is fresh enough, else of the primary. A pin says what
   * the reader must see: everything before a mark, or all there is.
   */
  reader(pin?: ReadPin): Queryable {
    return pin === undefined ? this.unpinned : this.createReader(pin);
  }

  /**
   * Runs `work` in one transaction on one connection; commits when it resolves, rolls back when it rejects. After a
   * conflict with another transaction, or a connection lost before the commit, it runs again, unless `retries` is 0.
   */
  async transaction<T>(work: (trx: Transaction) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    const {
      signal,
      operation = 'transaction',
      retries = this.options.retries ?? databaseDefaults.retries,
    } = options;
    signal?.throwIfAborted();
    const { hooks, budget, protocol } = this;
    const connect = () => this.pool.acquire('begin', { signal });
    const attempt = ({ connection, release }: LentConnection) =>
      runTransaction(connection, work, { options, protocol }).finally(release);
    const { onRetry } = hooks;
    const policy = { operation, retries, budget, signal, onRetry };
    const committed = await withRetries(connect, attempt, policy);
    for (const action of committed.actions) {
      try {
        await action({ mark: committed.mark });
      } catch (error) {
        hooks.onCommitActionError?.(error);
      }
    }
    return committed.value;
  }

  /** Resolves when the database answers; rejects within about a second when it does not. */
  async ping(signal?: AbortSignal): Promise<void> {
    if (this.busyButWell) return;
    const connection =
      this.pool.takeIdle() ?? (await this.pool.wait({ operation: 'ping', signal, probe: true }));
    const options = { operation: 'ping', limitMs: pingTimeoutMs, signal, probe: true };
    await connection.run({ text: 'select 1' }, options).finally(() => connection.release());
  }

  /**
   * Calls back for each notification on the channel, and once after each new connection, as some may have been lost
   * before it. Takes a connection beside the pool's. Poolers do not hand notifications on: behind one it needs the
   * direct URL, and without that calls back every second instead.
   */
  listen(channel: string, onNotification: (payload: string) => void): Listener {
    const {
      url,
      directUrl,
      tls,
      pooler = 'none',
      applicationName = databaseDefaults.applicationName,
    } = this.options;
    const reachable = directUrl ?? (pooler === 'none' ? url : undefined);
    const client = reachable === undefined ? undefined : connectionTarget(reachable, tls);
    return listen({ client, applicationName, channel, onNotification });
  }

  stats(): PoolStats {
    return this.pool.stats();
  }

  /** Why so many processes with so many connections each cannot work here. Rejects when the primary does not answer. */
  async connectionBudgetProblems(plan: ConnectionPlan): Promise<string[]> {
    const servers = [this.queries, ...(this.replicas?.all() ?? [])];
    const asked = await Promise.allSettled(servers.map((server) => connectionBudgetProblem(server, plan)));
    const [primary] = asked;
    if (primary?.status === 'rejected') throw primary.reason;
    return asked.flatMap((answer) => (answer.status === 'fulfilled' && answer.value ? [answer.value] : []));
  }

  get hasReplicas(): boolean {
    return (this.options.replicaUrls?.length ?? 0) > 0;
  }

  replicaStats(): ReplicaStats[] {
    return this.replicas?.stats() ?? [];
  }

  /** Ends all connections, waiting for busy ones up to the limit. Resolves to how many had to be cut off. */
  async close(limitMs = 10_000): Promise<number> {
    const [cut, more = 0] = await Promise.all([this.pool.close(limitMs), this.replicas?.close(limitMs)]);
    return cut + more;
  }

  private poolOptions(): Omit<PoolOptions, 'client'> {
    const { hooks } = this;
    const { pooler = 'none', slowQueryMs = Infinity, ...given } = this.options;
    const settings = { ...databaseDefaults, ...given };
    return {
      ...settings,
      guard: undefined,
      serverKeepsLimit: pooler === 'none',
      prepares: pooler === 'none',
      hooks: {
        ...hooks,
        onQuery: (event) => {
          if (event.outcome === 'ok') this.lastAnswerAt = performance.now();
          hooks.onQuery?.(event);
          if (event.seconds * 1000 >= slowQueryMs) hooks.onSlowQuery?.(event);
        },
      },
    };
  }

  private openReplicas(primary: ClientConfig, pool: Omit<PoolOptions, 'client'>): ReplicaSet | undefined {
    const { replicaUrls = [], replicaLimits } = this.options;
    if (replicaUrls.length === 0) return undefined;
    const replicas = replicaUrls.map((url) => ({
      name: new URL(url).host,
      client: clientConfig(this.options, url),
    }));
    const limits = { ...databaseDefaults.replicaLimits, ...replicaLimits };
    return new ReplicaSet({ ...limits, primary, replicas, pool, onChange: this.hooks.onReplicaChange });
  }

  private createReader(pin: ReadPin | undefined): Reader {
    const { queries: primary, replicas, budget, hooks } = this;
    return new Reader({ primary, replicas, budget, onRead: hooks.onRead }, pin);
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

function clientConfig(options: DatabaseOptions, url: string): ClientConfig {
  const { tls, pooler = 'none', queryTimeoutMs, applicationName } = { ...databaseDefaults, ...options };
  return {
    ...connectionTarget(url, tls),
    application_name: applicationName,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    // PgBouncer turns away connections that want a setting of this kind.
    ...(pooler === 'none' && { statement_timeout: queryTimeoutMs }),
  };
}

/** With `minIdle` it begins to connect at once; else the first use does, so that a service may start before it. */
export function createDatabase(options: DatabaseOptions): Database {
  return new Database(options);
}
