import type { ClientConfig } from 'pg';
import { ConnectionPool } from '../pool/connection-pool';
import type { PoolOptions } from '../pool/pool-options';
import { PooledQueries } from '../pool/pooled-queries';
import { positionOf } from './write-mark';

export interface ReplicaStats {
  /** Host and port. */
  name: string;
  usable: boolean;
  /** Why not, or empty. */
  reason: string;
  lagMs: number;
  lagBytes: number;
  active: number;
  idle: number;
}

const probe = `select pg_is_in_recovery() as standby, pg_last_wal_replay_lsn()::text as position`;

/** One standby server: a pool of its own for reads, and one connection beside it by which it is watched. */
export class Replica {
  readonly queries: PooledQueries;
  readonly pool: ConnectionPool;
  usable = false;
  reason = 'not asked yet';
  /** What it has certainly replayed. */
  position = 0n;
  lagMs = Infinity;
  lagBytes = 0;
  private readonly watch: ConnectionPool;

  constructor(
    readonly name: string,
    client: ClientConfig,
    options: Omit<PoolOptions, 'client'>,
  ) {
    this.pool = new ConnectionPool({ ...options, client });
    this.queries = new PooledQueries(this.pool, options.queryTimeoutMs);
    this.watch = new ConnectionPool(watchOptions(options, client));
  }

  /** 0 is idle; from 1 on callers wait. */
  get load(): number {
    const { active, waiting, max } = this.pool.stats();
    return (active + waiting) / max;
  }

  /** Asks how far it has come. Rejects when it does not say so in time. */
  async look(limitMs: number): Promise<void> {
    const answer = await askOn(this.watch, probe, limitMs);
    if (!answer['standby']) throw new Error('it is no standby');
    this.position = positionOf(String(answer['position'])) ?? 0n;
  }

  /** Whoever waits for an answer of it learns at once that there will be none. */
  giveUp(): void {
    this.pool.cutAll();
    this.watch.cutAll();
  }

  stats(): ReplicaStats {
    const { active, idle } = this.pool.stats();
    const { name, usable, reason, lagMs, lagBytes } = this;
    return { name, usable, reason, lagMs, lagBytes, active, idle };
  }

  async close(limitMs: number): Promise<number> {
    const [cut] = await Promise.all([this.pool.close(limitMs), this.watch.close(0)]);
    return cut;
  }
}

/** A watch must not wait for those whom it watches over. */
export function watchOptions(options: Omit<PoolOptions, 'client'>, client: ClientConfig): PoolOptions {
  return { ...options, client, max: 1, minIdle: 0, guard: undefined, hooks: {} };
}

/** One row of a question that costs the server nothing. */
export async function askOn(
  pool: ConnectionPool,
  text: string,
  limitMs: number,
): Promise<Record<string, unknown>> {
  const connection = pool.takeIdle() ?? (await pool.wait({ operation: 'watch', probe: true }));
  try {
    const { rows } = await connection.run({ text }, { operation: 'watch', limitMs, probe: true });
    return rows[0] as Record<string, unknown>;
  } finally {
    connection.release();
  }
}
