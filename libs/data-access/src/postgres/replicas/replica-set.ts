import { AsyncLocalStorage } from 'node:async_hooks';
import type { ClientConfig } from 'pg';
import { ConnectionPool } from '../pool/connection-pool';
import type { PoolOptions } from '../pool/pool-options';
import type { Queryable } from '../queryable';
import { isError } from '../sql-state';
import { LagHistory } from './lag-history';
import { askOn, Replica, watchOptions, type ReplicaStats } from './replica';
import { positionOf } from './write-mark';

export interface ReplicaLimits {
  /** A replica that shows what is older than this is left out. */
  maxLagMs: number;
  /** So is one that has yet to replay more than this. */
  maxLagBytes: number;
  checkEveryMs: number;
  /** How long a replica, or the primary, may take to say how far it is. */
  checkTimeoutMs: number;
}

export interface ReplicaChange {
  name: string;
  usable: boolean;
  /** Why it is left out. */
  reason: string;
}

export interface ReplicaSetOptions extends ReplicaLimits {
  primary: ClientConfig;
  replicas: readonly { name: string; client: ClientConfig }[];
  pool: Omit<PoolOptions, 'client'>;
  onChange?: ((change: ReplicaChange) => void) | undefined;
}

const primaryProbe = 'select pg_current_wal_flush_lsn()::text as position';

/** Knows which replicas may be read from, by asking all of them again and again in the background. */
export class ReplicaSet {
  private readonly replicas: readonly Replica[];
  private readonly primary: ConnectionPool;
  private readonly history: LagHistory;
  private timer: NodeJS.Timeout | undefined;
  private round: Promise<void> = Promise.resolve();
  private closed = false;
  private turn = 0;

  constructor(private readonly options: ReplicaSetOptions) {
    this.replicas = options.replicas.map(({ name, client }) => new Replica(name, client, options.pool));
    this.primary = new ConnectionPool(watchOptions(options.pool, options.primary));
    this.history = new LagHistory(2 * options.maxLagMs + 10 * options.checkEveryMs);
    AsyncLocalStorage.snapshot()(() => this.watch());
  }

  /** The least busy of those that are fresh enough, and have replayed up to `position`; in turn when they are equal. */
  choose(position: bigint | undefined): Replica | undefined {
    const { replicas } = this;
    let best: Replica | undefined;
    let bestLoad = Infinity;
    this.turn += 1;
    for (let at = 0; at < replicas.length; at += 1) {
      const replica = replicas[(at + this.turn) % replicas.length] as Replica;
      if (!replica.usable || (position !== undefined && replica.position < position)) continue;
      const { load } = replica;
      if (load >= bestLoad) continue;
      best = replica;
      bestLoad = load;
    }
    return best;
  }

  /** It has failed somebody; it is left out until it has answered. */
  suspect(replica: Replica, error: unknown): void {
    this.judge(replica, reasonOf(error));
  }

  /** Each, whether it may be read from or not. */
  all(): Queryable[] {
    return this.replicas.map(({ queries }) => queries);
  }

  stats(): ReplicaStats[] {
    return this.replicas.map((replica) => replica.stats());
  }

  async close(limitMs: number): Promise<number> {
    this.closed = true;
    clearTimeout(this.timer);
    const cuts = await Promise.all(this.replicas.map((replica) => replica.close(limitMs)));
    await this.primary.close(0);
    await this.round;
    return cuts.reduce((sum, cut) => sum + cut, 0);
  }

  private watch(): void {
    if (this.closed) return;
    this.round = this.look().finally(() => {
      if (this.closed) return;
      this.timer = setTimeout(() => this.watch(), this.options.checkEveryMs);
      this.timer.unref();
    });
  }

  /** The primary first: what a replica says afterwards may count as caught up with it. */
  private async look(): Promise<void> {
    await this.lookAtPrimary();
    await Promise.all(this.replicas.map((replica) => this.lookAt(replica)));
  }

  private async lookAtPrimary(): Promise<void> {
    const at = performance.now();
    try {
      const answer = await askOn(this.primary, primaryProbe, this.options.checkTimeoutMs);
      const position = positionOf(String(answer['position']));
      if (position !== undefined) this.history.note(at, position);
    } catch {
      // Whoever needs the primary learns of it by themselves.
    }
  }

  private async lookAt(replica: Replica): Promise<void> {
    try {
      await replica.look(this.options.checkTimeoutMs);
    } catch (error) {
      if (this.closed) return;
      this.judge(replica, reasonOf(error));
      replica.giveUp();
      return;
    }
    this.judge(replica, this.complaintAbout(replica));
  }

  private complaintAbout(replica: Replica): string {
    const lag = this.history.lagOf(replica.position);
    if (!lag) return 'the primary has not said yet how far it is';
    replica.lagMs = lag.ms;
    replica.lagBytes = lag.bytes;
    if (lag.ms > this.options.maxLagMs) return `it lags ${(lag.ms / 1000).toFixed(1)} s`;
    return lag.bytes > this.options.maxLagBytes ? `it lags ${lag.bytes} bytes` : '';
  }

  private judge(replica: Replica, reason: string): void {
    const usable = reason === '';
    const changed = usable !== replica.usable;
    replica.usable = usable;
    replica.reason = reason;
    if (changed && !this.closed) this.options.onChange?.({ name: replica.name, usable, reason });
  }
}

function reasonOf(error: unknown): string {
  const cause = isError(error) && isError(error.cause) ? error.cause : error;
  return isError(cause) ? cause.message : String(cause);
}
