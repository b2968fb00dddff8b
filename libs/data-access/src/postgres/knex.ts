import { knex, type Knex } from 'knex';
import type { LentConnection } from './pool/connection';
import type { ConnectionPool } from './pool/connection-pool';

/**
 * knex on the service's one pool. knex is handed a thin connection of ours in place of the driver's own, so that its
 * statements have the same limits, errors and measurements as all others, and a broken connection never goes back.
 */
export function createKnex(pool: ConnectionPool, limitMs: number): Knex {
  return knex({
    client: 'pg',
    // Saves knex a `select version()`; it only wants to know that this is not PostgreSQL 9.1.
    version: '15.0',
    connectionPool: new KnexPoolAdapter(pool, limitMs) as unknown as NonNullable<
      Knex.Config['connectionPool']
    >,
    log: { warn: ignore, error: ignore, deprecate: ignore, debug: ignore },
  });
}

interface KnexConnection {
  __knexUid: string;
  lent: LentConnection;
  query(statement: KnexStatement, callback: (error: unknown, result?: unknown) => void): void;
}

interface KnexStatement {
  text: string;
  values?: unknown[];
  operation?: string;
}

/** The methods by which knex recognises and uses a pool that is not its own. */
class KnexPoolAdapter {
  private lastId = 0;

  constructor(
    private readonly pool: ConnectionPool,
    private readonly limitMs: number,
  ) {}

  acquire(): { promise: Promise<KnexConnection> } {
    return { promise: this.pool.acquire('knex').then((lent) => this.adapt(lent)) };
  }

  release({ lent }: KnexConnection): boolean {
    lent.release();
    return true;
  }

  destroy(): Promise<void> {
    return Promise.resolve();
  }

  numFree(): number {
    return this.pool.stats().idle;
  }

  numUsed(): number {
    return this.pool.stats().active;
  }

  numPendingAcquires(): number {
    return this.pool.stats().waiting;
  }

  private adapt(lent: LentConnection): KnexConnection {
    this.lastId += 1;
    const { limitMs } = this;
    return {
      __knexUid: `knex-${this.lastId}`,
      lent,
      query(statement, callback) {
        // knex transactions send bare strings; builders may name their operation with `.options({ operation })`.
        const full = typeof statement === 'string' ? { text: statement } : statement;
        const { operation = 'knex', ...plain } = full as KnexStatement;
        lent.connection.run(plain, { operation, limitMs }).then((result) => callback(null, result), callback);
      },
    };
  }
}

function ignore(): void {
  // What knex would print, its callers get as an error.
}
