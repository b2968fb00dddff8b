import type { Knex } from 'knex';

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

/** A query that knex has built. */
export type Built = Knex.QueryBuilder | Knex.Raw;

/** What a database, a reader and a transaction can do. */
export interface Queryable {
  /** Runs a prepared statement. `name` stands for this text alone, and is the operation's name in metrics. */
  query<T extends object = Row>(
    ...statement: [name: string, text: string, values?: readonly unknown[], options?: QueryOptions]
  ): Promise<QueryResult<T>>;
  /** Runs what was built with knex; rows are as the driver gives them. */
  run<T extends object = Row>(
    operation: string,
    built: Built,
    options?: QueryOptions,
  ): Promise<QueryResult<T>>;
}

export function toStatement(built: Built): { text: string; values: unknown[] } {
  const { sql, bindings } = built.toSQL().toNative();
  return { text: sql, values: [...bindings] };
}

export function toQueryResult<T>(result: { rows: unknown[]; rowCount: number | null }): QueryResult<T> {
  return { rows: result.rows as T[], rowCount: result.rowCount ?? 0 };
}
