import type { Database } from '../postgres/database';
import type { Transaction } from '../postgres/transaction';
import type { Redis } from '../redis/redis';
import { toFields } from './bus-event';
import { outboxChannel } from './outbox';
import { WorkLoop } from './work-loop';

export interface RelayHooks {
  onPublished?: (batch: { count: number; seconds: number }) => void;
  /** Redis has lost these after it had acknowledged them; they are published anew. */
  onRestored?: (restored: { count: number }) => void;
  onError?: (error: unknown) => void;
}

export interface RelayOptions {
  database: Database;
  redis: Redis;
  /** The service's schema, which holds the outbox. */
  schema: string;
  stream: string;
  batchSize?: number;
  /** How often it looks by itself, beside being woken. */
  pollMs?: number;
  /** The stream is cut to about this length. It bounds memory, and should be out of reach of any consumer's lag. */
  maxLength?: number;
  /** How long published events are kept to make good what Redis loses in a crash. */
  retentionMs?: number;
  hooks?: RelayHooks;
}

export interface Relay {
  /** Resolves when the batch under way has been published. */
  stop(): Promise<void>;
  /** How many events wait to be published. */
  backlog(): Promise<number>;
}

/**
 * Publishes what waits in the outbox, oldest first, at least once. Any number of relays may run: a lock lets one at a
 * time work, so that the order holds, and the others stand by.
 */
export function startRelay(options: RelayOptions): Relay {
  return new OutboxRelay(options);
}

const cleanUpEveryMs = 60_000;
const cleanUpRows = 10_000;

interface WaitingRow {
  position: string;
  id: string;
  type: string;
  version: number;
  key: string;
  payload: string;
  traceparent: string | null;
  occurred_at: Date;
}

class OutboxRelay implements Relay {
  private readonly database: Database;
  private readonly redis: Redis;
  private readonly hooks: RelayHooks;
  private readonly table: string;
  private readonly batchSize: number;
  private readonly loop: WorkLoop;
  private readonly listener: { stop(): Promise<void> };
  private mayHaveLost = true;
  private cleanUpAt = Date.now() + cleanUpEveryMs;

  constructor(private readonly options: RelayOptions) {
    const { database, redis, schema, hooks = {}, batchSize = 200 } = options;
    this.database = database;
    this.redis = redis;
    this.hooks = hooks;
    this.table = `${schema}.outbox`;
    this.batchSize = batchSize;
    redis.on('close', this.noteLoss);
    this.loop = new WorkLoop({
      round: () => this.round(),
      onError: (error) => hooks.onError?.(error),
    });
    this.listener = database.listen(outboxChannel(schema), () => this.loop.wake());
  }

  async stop(): Promise<void> {
    this.redis.off('close', this.noteLoss);
    await Promise.all([this.listener.stop(), this.loop.stop()]);
  }

  async backlog(): Promise<number> {
    const { rows } = await this.database.query<{ count: number }>(
      'outbox.backlog',
      `select count(*)::int as count from ${this.table} where published_at is null`,
    );
    return rows[0]?.count ?? 0;
  }

  private readonly noteLoss = () => {
    this.mayHaveLost = true;
  };

  private async round(): Promise<number> {
    const { pollMs = 1_000 } = this.options;
    if (this.mayHaveLost && !(await this.makeGoodLosses())) return pollMs;
    const started = performance.now();
    const count = await this.database.transaction(async (trx) =>
      (await this.lock(trx)) ? this.publishWaiting(trx) : 0,
    );
    if (count > 0) this.hooks.onPublished?.({ count, seconds: (performance.now() - started) / 1000 });
    if (Date.now() >= this.cleanUpAt) await this.cleanUp();
    return count > 0 ? 0 : pollMs;
  }

  /** Resolves to whether this relay had the lock to do so. */
  private async makeGoodLosses(): Promise<boolean> {
    this.mayHaveLost = false;
    let looked = false;
    try {
      await this.database.transaction(async (trx) => {
        if (!(await this.lock(trx))) return;
        await this.restoreLost(trx);
        looked = true;
      });
    } finally {
      this.mayHaveLost ||= !looked;
    }
    return looked;
  }

  /** Held to the end of the transaction, so that a relay that dies lets go of it with its connection. */
  private async lock(trx: Transaction): Promise<boolean> {
    const { rows } = await trx.query<{ locked: boolean }>(
      'outbox.lock',
      `select pg_try_advisory_xact_lock(hashtext('rostrum.relay'), hashtext($1)) as locked`,
      [this.table],
    );
    return rows[0]?.locked ?? false;
  }

  private async publishWaiting(trx: Transaction): Promise<number> {
    const { rows } = await trx.query<WaitingRow>(
      'outbox.waiting',
      `select position, id, type, version, key, payload::text, traceparent, occurred_at
         from ${this.table} where published_at is null order by position limit $1`,
      [this.batchSize],
    );
    if (rows.length === 0) return 0;
    const entryIds = await this.append(rows);
    await trx.query(
      'outbox.mark',
      `update ${this.table} as o set published_at = now(), entry_id = e.entry_id
         from unnest($1::bigint[], $2::text[]) as e (position, entry_id) where o.position = e.position`,
      [rows.map(({ position }) => position), entryIds],
    );
    return rows.length;
  }

  /** All or none: with some refused and some not, the order would be lost. */
  private async append(rows: WaitingRow[]): Promise<string[]> {
    const { stream, maxLength = 1_000_000 } = this.options;
    const batch = this.redis.multi();
    for (const row of rows) {
      const { traceparent, occurred_at: occurredAt, ...rest } = row;
      const fields = toFields({
        ...rest,
        occurredAt: occurredAt.toISOString(),
        ...(traceparent !== null && { traceparent }),
      });
      batch.xadd(stream, 'MAXLEN', '~', maxLength, '*', ...fields);
    }
    const replies = await batch.exec();
    if (!replies) throw new Error(`Redis refused a batch of ${rows.length} events`);
    return replies.map(([error, id]) => {
      if (error) throw error;
      return String(id);
    });
  }

  /**
   * A Redis that crashes, or fails over, may forget the newest entries although it had acknowledged them. Entries
   * beyond the last one that it still knows of are put back to wait.
   */
  private async restoreLost(trx: Transaction): Promise<void> {
    const [milliseconds = '0', sequence = '0'] = (await this.lastEntryId()).split('-');
    const { rowCount } = await trx.query(
      'outbox.restore',
      `update ${this.table} set published_at = null, entry_id = null
        where published_at is not null
          and (split_part(entry_id, '-', 1)::bigint, split_part(entry_id, '-', 2)::bigint) > ($1::bigint, $2::bigint)`,
      [milliseconds, sequence],
    );
    if (rowCount > 0) this.hooks.onRestored?.({ count: rowCount });
  }

  private async lastEntryId(): Promise<string> {
    if (!(await this.redis.exists(this.options.stream))) return '0-0';
    const info = (await this.redis.xinfo('STREAM', this.options.stream)) as unknown[];
    return String(info[info.indexOf('last-generated-id') + 1]);
  }

  private async cleanUp(): Promise<void> {
    const { retentionMs = 600_000 } = this.options;
    this.cleanUpAt = Date.now() + cleanUpEveryMs;
    await this.database.query(
      'outbox.clean-up',
      `delete from ${this.table} where position in (
         select position from ${this.table}
          where published_at < now() - $1 * interval '1 millisecond' limit ${cleanUpRows})`,
      [retentionMs],
    );
  }
}
