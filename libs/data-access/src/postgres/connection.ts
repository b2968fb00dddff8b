import { AsyncLocalStorage } from 'node:async_hooks';
import type { PoolClient, QueryResult as PgResult } from 'pg';
import { cancelStatement, type Cancellable } from './cancel';
import {
  isConnectionError,
  isError,
  isReadTimeout,
  isSqlError,
  outcomeOf,
  toQueryError,
  type QueryOutcome,
} from './sql-state';

export interface Statement {
  /** Statements with a name are prepared once per connection; the name must stand for one text only. */
  name?: string;
  text: string;
  values?: unknown[];
  /** Overrides the connection's own limit for the answer to come, in milliseconds. */
  query_timeout?: number;
}

export interface QueryEvent {
  operation: string;
  seconds: number;
  outcome: QueryOutcome;
}

export interface ConnectionEvents {
  onQuery?: ((event: QueryEvent) => void) | undefined;
  /** The server did not answer in time: other connections to it are suspect too. */
  onReadTimeout: () => void;
  /** The connection, not the statement, is at fault. */
  onFailure?: ((error: Error, startedAt: number) => void) | undefined;
}

export type Settle = (error: unknown, result: PgResult | undefined) => void;

/** A connection on loan from the pool. It knows whether it may go back there. */
export class Connection {
  private broken = false;
  private cancelling: Promise<void> | undefined;

  constructor(
    private readonly client: PoolClient,
    private readonly events: ConnectionEvents,
  ) {}

  /** False once the connection itself has failed: nothing more can be said over it. */
  get usable(): boolean {
    return !this.broken;
  }

  /** Runs one statement and settles with its result, or with the error as callers should see it. */
  run(statement: Statement, operation: string, settle: Settle): void {
    const started = performance.now();
    // The socket calls back in the context of whoever opened it.
    const finish = AsyncLocalStorage.bind((error: Error | null, result: PgResult) => {
      const outcome = error ? this.noteFailure(error, started) : 'ok';
      this.events.onQuery?.({ operation, seconds: (performance.now() - started) / 1000, outcome });
      if (error) settle(toQueryError(error), undefined);
      else settle(undefined, result);
    });
    this.client.query(statement, finish);
  }

  /** Like `run`, but when the signal fires the caller is answered at once and the server is told to stop. */
  runAbortable(statement: Statement, { operation, signal, settle }: AbortableRun): void {
    const ended = Promise.withResolvers<void>();
    const abort = () => {
      // The driver's types leave out the fields that a cancel request is made of.
      const told = cancelStatement(this.client as unknown as Cancellable);
      this.cancelling = Promise.all([told, ended.promise]).then(() => undefined);
      settle(signal.reason, undefined);
    };
    signal.addEventListener('abort', abort, { once: true });
    this.run(statement, operation, (error, result) => {
      signal.removeEventListener('abort', abort);
      // It ended by itself: the request to cancel may arrive late and hit whatever runs here next.
      if (this.cancelling && !isCancelled(error)) this.broken = true;
      ended.resolve();
      if (!this.cancelling) settle(error, result);
    });
  }

  query(statement: Statement, operation: string, signal?: AbortSignal): Promise<PgResult> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    return new Promise((resolve, reject) => {
      const settle: Settle = (error, result) => (result ? resolve(result) : reject(error as Error));
      if (signal) this.runAbortable(statement, { operation, signal, settle });
      else this.run(statement, operation, settle);
    });
  }

  /** Resolves when no statement runs here any more: after an abort that is later than the caller's answer. */
  whenFree(): Promise<void> {
    return this.cancelling ?? Promise.resolve();
  }

  /** Keeps this connection from being used by anyone after its present user. */
  markBroken(): void {
    this.broken = true;
  }

  /** Gives the connection back as soon as nothing runs on it. */
  release(): void {
    if (this.cancelling) void this.cancelling.then(() => this.client.release(this.broken));
    else this.client.release(this.broken);
  }

  private noteFailure(error: Error, startedAt: number): QueryOutcome {
    if (isConnectionError(error)) {
      this.broken = true;
      if (!this.cancelling) this.events.onFailure?.(error, startedAt);
    }
    if (isReadTimeout(error)) this.events.onReadTimeout();
    return this.cancelling ? 'cancelled' : outcomeOf(error);
  }
}

interface AbortableRun {
  operation: string;
  signal: AbortSignal;
  settle: Settle;
}

function isCancelled(error: unknown): boolean {
  const cause = isError(error) && error.cause !== undefined ? error.cause : error;
  return isSqlError(cause) && cause.code === '57014';
}
