import { AsyncLocalStorage } from 'node:async_hooks';
import { Client } from 'pg';
import { postgresErrors } from '../postgres.errors';
import { poolTimeout } from '../sql-state';
import { streamOf } from './client-stream';
import { Connection, type ConnectionOwner, type LentConnection, type QueryEvent } from './connection';
import { LoanWatch, type Loan } from './loan-watch';
import { OpeningBackoff } from './opening-backoff';
import { PoolClock } from './pool-clock';
import { tickOf, type PoolOptions, type PoolStats, type WaitOptions } from './pool-options';
import { WaitingLine } from './waiting-line';

/** A server that is slow to greet is not made faster by more callers at its door. */
const mostOpening = 8;
const checkLimitMs = 1_000;

/** Connections to one server, made to heal: what is broken or suspect is dropped, and nothing waits without a limit. */
export class ConnectionPool implements ConnectionOwner {
  readonly onQuery: ((event: QueryEvent) => void) | undefined;
  readonly serverKeepsLimit: boolean;
  readonly prepares: boolean;
  readonly graceMs: number;
  private readonly all = new Set<Connection>();
  /** The one that was used last stands last, and is used next. */
  private readonly idle: Connection[] = [];
  private readonly opening = new Set<Opening>();
  private readonly waiting = new WaitingLine<Connection>();
  private readonly loans: LoanWatch;
  /** Sockets outlive the requests in whose time they are opened. */
  private readonly outside = AsyncLocalStorage.snapshot();
  private clock: PoolClock | undefined;
  private ended: PromiseWithResolvers<void> | undefined;
  private readonly backoff = new OpeningBackoff();

  constructor(private readonly options: PoolOptions) {
    const { hooks } = options;
    this.onQuery = hooks.onQuery;
    this.serverKeepsLimit = options.serverKeepsLimit;
    this.prepares = options.prepares;
    this.graceMs = options.queryGraceMs;
    this.loans = new LoanWatch(options.leakAfterMs, hooks.onLeak);
    if (options.minIdle > 0) this.keepWarm();
  }

  /** A connection that is free right now, if there is one; `wait` for one else. Throws when the guard says no. */
  take(operation: string): Connection | undefined {
    const refusal = this.options.guard?.refusal();
    if (refusal) {
      this.onQuery?.({ operation, seconds: 0, outcome: 'unavailable' });
      throw refusal;
    }
    return this.takeIdle();
  }

  takeIdle(): Connection | undefined {
    const connection = this.idle.pop();
    if (connection) connection.lent = true;
    return connection;
  }

  async wait({ operation, signal, probe = false }: WaitOptions): Promise<Connection> {
    const started = performance.now();
    try {
      signal?.throwIfAborted();
      if (this.ended) throw new Error('Cannot use a pool after calling end');
      const turn = this.waiting.join(this.now() + this.options.acquireTimeoutMs, signal);
      this.openForWaiters();
      return await turn;
    } catch (error) {
      if (signal?.aborted && error === signal.reason) throw error;
      if (!probe) this.onFailure(error as Error, started);
      this.onQuery?.({ operation, seconds: (performance.now() - started) / 1000, outcome: 'unavailable' });
      throw postgresErrors.unavailable(error);
    }
  }

  /** A connection for more than one statement. Whoever forgets to give it back is found by where they took it. */
  async acquire(
    operation: string,
    options: { signal?: AbortSignal | undefined } = {},
  ): Promise<LentConnection> {
    const loan = this.loans.begin(this.now(), this.acquire);
    try {
      const connection = this.take(operation) ?? (await this.wait({ operation, ...options }));
      loan.since = this.now();
      return { connection, release: () => this.giveBack(connection, loan) };
    } catch (error) {
      this.loans.end(loan);
      throw error;
    }
  }

  stats(): PoolStats {
    const total = this.all.size;
    const idle = this.idle.length;
    return { max: this.options.max, total, active: total - idle, idle, waiting: this.waiting.length };
  }

  /** True when every connection is lent out and there may be no more. */
  get saturated(): boolean {
    return this.idle.length === 0 && this.all.size >= this.options.max;
  }

  /** Waits for the connections on loan, then cuts those that are still out. Resolves to how many were cut. */
  async close(limitMs: number): Promise<number> {
    if (this.ended) return 0;
    this.ended = Promise.withResolvers();
    while (this.waiting.turnAway(new Error('Cannot use a pool after calling end')));
    for (const { client } of this.opening) streamOf(client).destroy();
    this.discardIdle();
    this.endIfEmpty();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, limitMs, 'late');
    });
    const outcome = await Promise.race([this.ended.promise, late]);
    clearTimeout(timer);
    this.clock?.stop();
    if (outcome !== 'late') return 0;
    const cut = this.all.size;
    for (const connection of this.all) connection.cutOff();
    return cut;
  }

  /**
   * What is out of reach of its own limits is cut off, so that whoever waits for it learns at once: for an answer, or for
   * a connection that the server will never let in.
   */
  cutAll(): void {
    for (const connection of this.all) connection.cutOff();
    while (this.waiting.turnAway(new Error('Connection terminated: its server is given up')));
    for (const { client } of this.opening) streamOf(client).destroy();
  }

  now(): number {
    this.clock ??= new PoolClock(tickOf(this.options), () => this.tick());
    return this.clock.now;
  }

  takeBack(connection: Connection): void {
    if (!connection.lent) return;
    connection.lent = false;
    if (connection.broken || this.ended || connection.expiresAt <= this.now()) this.discard(connection);
    else this.hand(connection);
  }

  lost(connection: Connection, error: Error): void {
    if (!this.all.delete(connection)) return;
    const at = this.idle.indexOf(connection);
    if (at >= 0) {
      this.idle.splice(at, 1);
      if (!this.ended) this.options.hooks.onPoolError?.(error);
    }
    this.endIfEmpty();
    this.openForWaiters();
  }

  suspectOthers(): void {
    this.discardIdle();
  }

  onFailure(error: Error, startedAt: number): void {
    this.options.guard?.failed(error, startedAt);
  }

  private giveBack(connection: Connection, loan: Loan): void {
    this.loans.end(loan);
    connection.release();
  }

  /** To whoever waits, else to the idle ones. */
  private hand(connection: Connection): void {
    connection.lent = true;
    if (this.waiting.length > 0 && this.waiting.serve(connection)) return;
    connection.lent = false;
    connection.idleSince = this.now();
    connection.seenAt = connection.idleSince;
    this.idle.push(connection);
  }

  private discard(connection: Connection): void {
    this.all.delete(connection);
    if (connection.broken) connection.cutOff();
    else connection.end();
    this.endIfEmpty();
    this.openForWaiters();
  }

  private discardIdle(): void {
    for (const connection of this.idle.splice(0)) this.discard(connection);
  }

  private openForWaiters(): void {
    // As long as some are there, no more are asked for too soon.
    const isSoon = this.all.size > 0 && !this.backoff.isOver(this.now());
    if (this.ended || isSoon) return;
    const wanted = this.waiting.length - this.opening.size;
    if (wanted > 0) this.open(wanted);
  }

  private open(wanted: number): void {
    const room = this.options.max - this.all.size - this.opening.size;
    const count = Math.min(wanted, room, mostOpening - this.opening.size);
    for (let opened = 0; opened < count; opened += 1) this.outside(() => this.openOne());
  }

  private openOne(): void {
    const client = new Client(this.options.client);
    const opening = { client, deadline: this.now() + this.options.acquireTimeoutMs };
    this.opening.add(opening);
    // An unheard error would end the process.
    client.on('error', () => undefined);
    client.connect((error: Error | null | undefined) => {
      this.opening.delete(opening);
      if (error) this.noteFailedOpening(error);
      else this.noteOpened(client);
      this.endIfEmpty();
    });
  }

  private noteOpened(client: Client): void {
    if (this.ended) return void client.end(() => undefined);
    this.backoff.opened();
    const lifetime = this.options.maxLifetimeMs * (0.9 + Math.random() / 10);
    const connection = new Connection(client, this, this.now() + lifetime);
    this.all.add(connection);
    this.hand(connection);
    this.openForWaiters();
  }

  private noteFailedOpening(error: Error): void {
    this.backoff.failed(this.now());
    // As long as there are others, one of them may become free in time.
    if (this.all.size > 0) return;
    this.waiting.turnAway(error);
    this.openForWaiters();
  }

  private tick(): void {
    const now = this.now();
    for (const connection of this.all) connection.check(now);
    for (const { client, deadline } of this.opening) if (deadline <= now) streamOf(client).destroy();
    this.waiting.expire(now, poolTimeout);
    this.loans.check(now);
    if (this.ended) return;
    this.retireIdle(now);
    this.checkOneIdle(now);
    this.openForWaiters();
    if (this.backoff.isOver(now)) this.keepWarm();
  }

  private keepWarm(): void {
    const missing = Math.min(this.options.minIdle, this.options.max) - this.all.size - this.opening.size;
    if (missing > 0) this.open(missing);
  }

  private retireIdle(now: number): void {
    const { idleTimeoutMs, minIdle } = this.options;
    for (const connection of [...this.idle]) {
      const tooMany = this.all.size > minIdle && now - connection.idleSince >= idleTimeoutMs;
      if (!tooMany && connection.expiresAt > now) continue;
      this.idle.splice(this.idle.indexOf(connection), 1);
      this.discard(connection);
    }
  }

  /** A connection whose other end is gone without a word looks like any other until it is used. */
  private checkOneIdle(now: number): void {
    const at = this.idle.findIndex(({ seenAt }) => now - seenAt >= this.options.idleCheckMs);
    const connection = this.idle[at];
    if (!connection) return;
    this.idle.splice(at, 1);
    connection.lent = true;
    connection
      .run({ text: 'select 1' }, { operation: 'ping', limitMs: checkLimitMs, probe: true })
      .then(() => {
        connection.seenAt = this.now();
      })
      .catch(() => connection.cutOff())
      .finally(() => this.returnChecked(connection));
  }

  /** It keeps its place and its age: to have been asked is not to have been used. */
  private returnChecked(connection: Connection): void {
    if (connection.broken || this.ended || this.waiting.length > 0) return this.takeBack(connection);
    connection.lent = false;
    this.idle.unshift(connection);
  }

  private endIfEmpty(): void {
    if (this.ended && this.all.size === 0 && this.opening.size === 0) this.ended.resolve();
  }
}

interface Opening {
  client: Client;
  deadline: number;
}
