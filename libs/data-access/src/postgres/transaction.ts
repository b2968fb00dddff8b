import { AsyncLocalStorage } from 'node:async_hooks';
import type { Knex } from 'knex';
import type { Connection } from './connection';
import { problems } from '@rostrum/errors';

export type Row = Record<string, unknown>;

export interface QueryResult<T> {
  rows: T[];
  /** Rows returned or changed. */
  rowCount: number;
}

export interface QueryOptions {
  /** When it fires, the statement is ended on the server and the call rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** What both the database and a transaction can do. */
export interface Queryable {
  /** Runs a prepared statement. `name` stands for this text alone, and is the operation's name in metrics. */
  query<T extends object = Row>(
    ...statement: [name: string, text: string, values?: readonly unknown[], options?: QueryOptions]
  ): Promise<QueryResult<T>>;
  /** Runs what was built with knex; rows are as the driver gives them. */
  run<T extends object = Row>(
    operation: string,
    built: Knex.QueryBuilder | Knex.Raw,
    options?: QueryOptions,
  ): Promise<QueryResult<T>>;
}

export interface Transaction extends Queryable {
  /** Called, in order, once the transaction has been committed; `transaction()` resolves after them. */
  onCommit(action: () => unknown): void;
}

export interface TransactionOptions extends QueryOptions {
  isolation?: 'read committed' | 'repeatable read' | 'serializable';
  readOnly?: boolean;
}

export interface CommittedTransaction<T> {
  value: T;
  actions: (() => unknown)[];
}

/** Runs `work` between BEGIN and COMMIT. The first error wins: nothing that goes wrong while undoing hides it. */
export async function runTransaction<T>(
  connection: Connection,
  work: (trx: Transaction) => Promise<T>,
  options: TransactionOptions,
): Promise<CommittedTransaction<T>> {
  const trx = new OpenTransaction(connection, options.signal);
  try {
    await connection.query({ text: beginStatement(options) }, 'begin', options.signal);
    const value = await work(trx);
    options.signal?.throwIfAborted();
    trx.close();
    const { command } = await connection.query({ text: 'commit' }, 'commit');
    if (command !== 'COMMIT') throw swallowedError();
    return { value, actions: trx.actions };
  } catch (error) {
    trx.close();
    await undo(connection);
    throw error;
  }
}

function beginStatement({ isolation, readOnly }: TransactionOptions): string {
  return `begin${isolation ? ` isolation level ${isolation}` : ''}${readOnly ? ' read only' : ''}`;
}

async function undo(connection: Connection): Promise<void> {
  await connection.whenFree();
  if (!connection.usable) return;
  try {
    await connection.query({ text: 'rollback' }, 'rollback');
  } catch {
    // The server undoes it when the connection goes.
    connection.markBroken();
  }
}

/** PostgreSQL answers COMMIT with ROLLBACK when a statement failed before: its error was caught and forgotten. */
function swallowedError(): Error {
  return problems.conflict(
    'TRANSACTION_ROLLED_BACK',
    'A statement of this transaction failed, so none of it was kept',
  );
}

class OpenTransaction implements Transaction {
  readonly actions: (() => unknown)[] = [];
  private open = true;

  constructor(
    private readonly connection: Connection,
    private readonly signal: AbortSignal | undefined,
  ) {}

  async query<T extends object = Row>(
    ...[name, text, values, options]: Parameters<Queryable['query']>
  ): Promise<QueryResult<T>> {
    const statement = { name, text, ...(values && { values: values as unknown[] }) };
    return toQueryResult(await this.send(statement, name, options));
  }

  async run<T extends object = Row>(
    operation: string,
    built: Knex.QueryBuilder | Knex.Raw,
    options?: QueryOptions,
  ): Promise<QueryResult<T>> {
    return toQueryResult(await this.send(toStatement(built), operation, options));
  }

  onCommit(action: () => unknown): void {
    // It runs when whoever asked for it is done; what it logs and asks belongs to their trace all the same.
    this.actions.push(AsyncLocalStorage.bind(action));
  }

  close(): void {
    this.open = false;
  }

  private send(statement: Parameters<Connection['query']>[0], operation: string, options?: QueryOptions) {
    if (!this.open) throw new Error(`The transaction was over before "${operation}" ran in it`);
    return this.connection.query(statement, operation, anyOf(this.signal, options?.signal));
  }
}

function anyOf(first: AbortSignal | undefined, second: AbortSignal | undefined): AbortSignal | undefined {
  return first && second ? AbortSignal.any([first, second]) : (first ?? second);
}

export function toStatement(built: Knex.QueryBuilder | Knex.Raw): { text: string; values: unknown[] } {
  const { sql, bindings } = built.toSQL().toNative();
  return { text: sql, values: [...bindings] };
}

export function toQueryResult<T>(result: { rows: unknown[]; rowCount: number | null }): QueryResult<T> {
  return { rows: result.rows as T[], rowCount: result.rowCount ?? 0 };
}
