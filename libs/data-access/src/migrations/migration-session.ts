import { knex, type Knex } from 'knex';
import { Client, type ClientConfig, type QueryResult } from 'pg';
import { cancelStatement, type Cancellable } from '../postgres/cancel';
import { connectionTarget, type TlsOptions } from '../postgres/connection-target';

export interface SentStatement {
  text: string;
  values?: readonly unknown[];
}

/** Passes a statement, or what stands in its place, on to the server. */
export type Send = (statement: SentStatement) => Promise<QueryResult>;

/** Sees each statement of a migration before the server does, and answers for it. */
export type Interceptor = (statement: SentStatement, send: Send) => Promise<QueryResult>;

export interface SessionLimits {
  lockTimeoutMs: number;
  statementTimeoutMs: number;
}

export interface BodyOptions {
  intercept?: Interceptor | undefined;
  signal?: AbortSignal | undefined;
}

/** A migration that is stuck between two statements holds locks on which everybody else waits. */
const idleInTransactionMs = 60_000;

/**
 * The one connection over which a run of migrations does everything. The lock that keeps others out is held by it too,
 * so that losing it loses both.
 */
export class MigrationSession {
  readonly knex: Knex;
  private readonly client: Client;
  private body: BodyOptions | undefined;

  private constructor(
    private readonly target: ClientConfig,
    private readonly schema: string,
  ) {
    this.client = newClient(target, schema);
    this.knex = knexOver((statement) => this.sendForKnex(statement));
  }

  static async open(url: string, schema: string, tls?: TlsOptions): Promise<MigrationSession> {
    const session = new MigrationSession(connectionTarget(url, tls), schema);
    await session.client.connect();
    return session;
  }

  /**
   * A pooler that lends its connections for one transaction at a time would leave our lock on one of them for ever. It
   * gives itself away by lending the one that we have just used to somebody else, while we are still here.
   */
  async refuseTransactionPooler(): Promise<void> {
    const process = await this.processOfServer(this.client);
    // The driver's types leave out what the server said when we came.
    if (process === (this.client as unknown as Cancellable).processID) return;
    const second = newClient(this.target, this.schema);
    await second.connect();
    try {
      if ((await this.processOfServer(second)) !== process) return;
    } finally {
      await second.end();
    }
    throw new Error(
      'There is a pooler in between that lends connections for one transaction: migrations need the server itself',
    );
  }

  private async processOfServer(client: Client): Promise<number | undefined> {
    const { rows } = await client.query<{ id: number }>('select pg_backend_pid() as id');
    return rows[0]?.id;
  }

  async close(): Promise<void> {
    await this.knex.destroy();
    await this.client.end();
  }

  /** Statements of the runner's own. */
  async query<T extends object = Record<string, unknown>>(
    text: string,
    values: unknown[] = [],
  ): Promise<T[]> {
    return (await this.client.query<T>(text, values)).rows;
  }

  identifier(name: string): string {
    return this.client.escapeIdentifier(name);
  }

  /** Begins anew: whatever the last migration set for the session is forgotten. */
  async prepare({ lockTimeoutMs, statementTimeoutMs }: SessionLimits): Promise<void> {
    await this.query('reset all');
    await this.query(
      `select set_config('search_path', quote_ident($1), false), set_config('lock_timeout', $2, false),
              set_config('statement_timeout', $3, false),
              set_config('idle_in_transaction_session_timeout', $4, false)`,
      [this.schema, String(lockTimeoutMs), String(statementTimeoutMs), String(idleInTransactionMs)],
    );
    await this.endWithClient();
  }

  /** Runs what a migration does: only its statements are intercepted, and only they are ended by the signal. */
  async run<T>(options: BodyOptions, work: () => Promise<T>): Promise<T> {
    const { signal } = options;
    signal?.throwIfAborted();
    let cancelled: Promise<void> | undefined;
    const abort = () => {
      // The driver's types leave out the fields that a cancel request is made of.
      cancelled = cancelStatement(this.client as unknown as Cancellable);
    };
    signal?.addEventListener('abort', abort, { once: true });
    this.body = options;
    try {
      const result = await work();
      signal?.throwIfAborted();
      return result;
    } finally {
      this.body = undefined;
      signal?.removeEventListener('abort', abort);
      await cancelled;
    }
  }

  /** Where the server can notice it, a client that was killed does not leave a long statement running. */
  private async endWithClient(): Promise<void> {
    await this.query(`select set_config('client_connection_check_interval', '1s', false)`).catch(() => []);
  }

  private async sendForKnex(statement: SentStatement): Promise<QueryResult> {
    const { body } = this;
    body?.signal?.throwIfAborted();
    const send: Send = ({ text, values }) => this.client.query({ text, values: [...(values ?? [])] });
    return body?.intercept ? body.intercept(statement, send) : send(statement);
  }
}

function newClient(target: ClientConfig, schema: string): Client {
  const client = new Client({
    ...target,
    application_name: `migrate ${schema}`,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
  });
  // Its loss while idle is noticed by the next statement.
  client.on('error', () => undefined);
  return client;
}

type Callback = (error: unknown, result?: QueryResult) => void;

/** knex, made to say everything by way of one function. */
function knexOver(send: Send): Knex {
  const connection = {
    query(statement: string | SentStatement, callback: Callback) {
      // Transactions send bare strings.
      const full = typeof statement === 'string' ? { text: statement } : statement;
      send(full).then((result) => callback(null, result), callback);
    },
    release: ignore,
  };
  return knex({
    client: 'pg',
    // Saves a `select version()`; knex only wants to know that this is not PostgreSQL 9.1.
    version: '15.0',
    connectionPool: {
      connect: () => Promise.resolve({ ...connection }),
      end: () => Promise.resolve(),
      totalCount: 1,
      idleCount: 0,
      waitingCount: 0,
    },
    log: { warn: ignore, error: ignore, deprecate: ignore, debug: ignore },
  });
}

function ignore(): void {
  // What knex would print, the caller gets as an error.
}
