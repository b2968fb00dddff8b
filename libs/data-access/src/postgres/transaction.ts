import { AsyncLocalStorage } from 'node:async_hooks';
import type { QueryResult as PgResult } from 'pg';
import type { Connection, Statement } from './pool/connection';
import { postgresErrors } from './postgres.errors';
import {
  toQueryResult,
  toStatement,
  type Built,
  type Queryable,
  type QueryOptions,
  type QueryResult,
  type Row,
} from './queryable';
import type { WriteMark } from './replicas/write-mark';
import { isConnectionError, isReadOnlyServer, isSqlError } from './sql-state';

export type { Queryable, QueryOptions, QueryResult, Row } from './queryable';

/** What is known of a transaction once it stands. */
export interface Commit {
  /** Where the write-ahead log was then, for readers of replicas; only where there are replicas. */
  mark: WriteMark | undefined;
}

export interface Transaction extends Queryable {
  /** Called, in order, once the transaction has been committed; `transaction()` resolves after them. */
  onCommit(action: (commit: Commit) => unknown): void;
}

export interface TransactionOptions extends QueryOptions {
  isolation?: 'read committed' | 'repeatable read' | 'serializable';
  readOnly?: boolean;
  /**
   * How often it may be begun anew after a failure that nobody is to blame for: a conflict with another transaction, or
   * a connection lost before the commit was sent. `work` then runs again, so what it does besides must bear repeating.
   */
  retries?: number;
  /** What it is for, in what is told of its retries. */
  operation?: string;
}

/** How transactions are spoken of with this server. */
export interface TransactionProtocol {
  limitMs: number;
  /** Behind a pooler, sessions have no limits of their own: each transaction sets its own. */
  setsLimit: boolean;
  /** Asks with the commit, at no cost of a round trip, where the write-ahead log is then. */
  marksCommits: boolean;
}

export interface CommittedTransaction<T> extends Commit {
  value: T;
  actions: ((commit: Commit) => unknown)[];
}

/** Runs `work` between BEGIN and COMMIT. The first error wins: nothing that goes wrong while undoing hides it. */
export async function runTransaction<T>(
  connection: Connection,
  work: (trx: Transaction) => Promise<T>,
  { options, protocol }: { options: TransactionOptions; protocol: TransactionProtocol },
): Promise<CommittedTransaction<T>> {
  const { limitMs } = protocol;
  const { signal } = options;
  const trx = new OpenTransaction(connection, limitMs, options);
  try {
    await connection.run(
      { text: beginStatement(options, protocol) },
      { operation: 'begin', limitMs, signal },
    );
    const value = await work(trx);
    signal?.throwIfAborted();
    trx.close();
    const mark = await commit(connection, trx, {
      marks: protocol.marksCommits && !options.readOnly,
      limitMs,
    });
    return { value, actions: trx.actions, mark };
  } catch (error) {
    trx.close();
    await undo(connection, limitMs);
    throw error;
  }
}

function beginStatement(
  { isolation, readOnly }: TransactionOptions,
  { setsLimit, limitMs }: TransactionProtocol,
): string {
  const begin = `begin${isolation ? ` isolation level ${isolation}` : ''}${readOnly ? ' read only' : ''}`;
  return setsLimit ? `${begin}; set local statement_timeout = ${Math.ceil(limitMs)}` : begin;
}

/** A standby has no position to tell, and asking it would be an error. */
const markStatement =
  'select case when pg_is_in_recovery() then null else pg_current_wal_insert_lsn() end::text as mark';

async function commit(
  connection: Connection,
  trx: OpenTransaction,
  { marks, limitMs }: { marks: boolean; limitMs: number },
): Promise<WriteMark | undefined> {
  const text = marks ? `commit; ${markStatement}` : 'commit';
  const answer = await connection.run({ text }, { operation: 'commit', limitMs }).catch((error: unknown) => {
    throw isAnswerToCommit(error) ? error : postgresErrors.outcomeUnknown(error);
  });
  // Several statements have several results.
  const [{ command }, marked] = (Array.isArray(answer) ? answer : [answer]) as [
    PgResult,
    PgResult<{ mark: string | null }>?,
  ];
  // PostgreSQL answers COMMIT with ROLLBACK when a statement failed before: its error was caught and forgotten.
  if (command !== 'COMMIT') throw postgresErrors.rolledBack(trx.firstError);
  return marked?.rows[0]?.mark ?? undefined;
}

/** Whether the server has said that it did not commit. Anything else may have come too late to stop it. */
function isAnswerToCommit(error: unknown): boolean {
  return isSqlError(error) && !isConnectionError(error) && !/^(57|53|58|XX)/.test(error.code);
}

async function undo(connection: Connection, limitMs: number): Promise<void> {
  await connection.whenFree();
  if (connection.broken) return;
  try {
    await connection.run({ text: 'rollback' }, { operation: 'rollback', limitMs });
  } catch {
    // The server undoes it when the connection goes.
    connection.broken = true;
  }
}

class OpenTransaction implements Transaction {
  readonly actions: ((commit: Commit) => unknown)[] = [];
  firstError: unknown;
  private open = true;

  private readonly signal: AbortSignal | undefined;
  private readonly readOnly: boolean;

  constructor(
    private readonly connection: Connection,
    private readonly limitMs: number,
    { signal, readOnly = false }: TransactionOptions,
  ) {
    this.signal = signal;
    this.readOnly = readOnly;
  }

  async query<T extends object = Row>(
    ...[name, text, values, options]: Parameters<Queryable['query']>
  ): Promise<QueryResult<T>> {
    const statement = { name, text, ...(values && { values: values as unknown[] }) };
    return toQueryResult(await this.send(statement, name, options));
  }

  async run<T extends object = Row>(
    operation: string,
    built: Built,
    options?: QueryOptions,
  ): Promise<QueryResult<T>> {
    return toQueryResult(await this.send(toStatement(built), operation, options));
  }

  onCommit(action: (commit: Commit) => unknown): void {
    // It runs when whoever asked for it is done; what it logs and asks belongs to their trace all the same.
    this.actions.push(AsyncLocalStorage.bind(action));
  }

  close(): void {
    this.open = false;
  }

  private async send(statement: Statement, operation: string, options?: QueryOptions): Promise<PgResult> {
    if (!this.open) throw new Error(`The transaction was over before "${operation}" ran in it`);
    const signal = anyOf(this.signal, options?.signal);
    try {
      return await this.connection.run(statement, { operation, limitMs: this.limitMs, signal });
    } catch (error) {
      const wrongServer = isReadOnlyServer(error) && !this.readOnly;
      if (wrongServer) this.connection.broken = true;
      this.firstError ??= error;
      throw wrongServer ? postgresErrors.unavailable(error) : error;
    }
  }
}

function anyOf(first: AbortSignal | undefined, second: AbortSignal | undefined): AbortSignal | undefined {
  return first && second ? AbortSignal.any([first, second]) : (first ?? second);
}
