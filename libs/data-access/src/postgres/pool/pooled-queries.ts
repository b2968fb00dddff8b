import {
  toQueryResult,
  toStatement,
  type Built,
  type Queryable,
  type QueryOptions,
  type QueryResult,
  type Row,
} from '../queryable';
import { postgresErrors } from '../postgres.errors';
import { isReadOnlyServer } from '../sql-state';
import type { Statement } from './connection';
import type { ConnectionPool } from './connection-pool';

/** Single statements, each on whichever connection is free. */
export class PooledQueries implements Queryable {
  constructor(
    readonly pool: ConnectionPool,
    private readonly limitMs: number,
  ) {}

  // The interface's own list of parameters: gathered into an array, it would be made anew for every query.
  // eslint-disable-next-line max-params
  query<T extends object = Row>(
    name: string,
    text: string,
    values?: readonly unknown[],
    options?: QueryOptions,
  ): Promise<QueryResult<T>> {
    const statement: Statement = { name, text };
    if (values) statement.values = values as unknown[];
    return this.send(statement, name, options?.signal);
  }

  run<T extends object = Row>(
    operation: string,
    built: Built,
    options?: QueryOptions,
  ): Promise<QueryResult<T>> {
    return this.send(toStatement(built), operation, options?.signal);
  }

  private async send<T>(
    statement: Statement,
    operation: string,
    signal: AbortSignal | undefined,
  ): Promise<QueryResult<T>> {
    if (signal) signal.throwIfAborted();
    const connection = this.pool.take(operation) ?? (await this.pool.wait({ operation, signal }));
    try {
      return toQueryResult<T>(await connection.run(statement, { operation, limitMs: this.limitMs, signal }));
    } catch (error) {
      if (!isReadOnlyServer(error)) throw error;
      connection.broken = true;
      throw postgresErrors.unavailable(error);
    } finally {
      connection.release();
    }
  }
}
