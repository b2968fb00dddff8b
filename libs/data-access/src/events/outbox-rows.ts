import type { Queryable, Transaction } from '../postgres/transaction';
import type { SerializedEvent } from './bus-event';
import type { PublishedEvent } from './event-bus';
import type { Backlog } from './relay';

export interface WaitingEvent {
  position: string;
  event: SerializedEvent;
}

export interface PublishedRow extends PublishedEvent {
  position: string;
}

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

const removeAtOnce = 10_000;

/** The outbox's table, as a relay sees it. */
export class OutboxRows {
  private readonly table: string;

  constructor(schema: string) {
    this.table = `${schema}.outbox`;
  }

  /**
   * Held to the end of the transaction. A relay that freezes while it holds the lock must not keep the others from
   * working for long: the server ends a transaction in which nothing happens.
   */
  async lock(trx: Transaction): Promise<boolean> {
    const { rows } = await trx.query<{ locked: boolean }>(
      'outbox.lock',
      `select pg_try_advisory_xact_lock(hashtext('rostrum.relay'), hashtext($1)) as locked,
              set_config('idle_in_transaction_session_timeout', '10s', true)`,
      [this.table],
    );
    return rows[0]?.locked ?? false;
  }

  async waiting(trx: Transaction, limit: number): Promise<WaitingEvent[]> {
    const { rows } = await trx.query<WaitingRow>(
      'outbox.waiting',
      `select position, id, type, version, key, payload::text, traceparent, occurred_at
         from ${this.table} where published_at is null order by position limit $1`,
      [limit],
    );
    return rows.map(({ position, occurred_at: occurredAt, traceparent, ...event }) => ({
      position,
      event: {
        ...event,
        occurredAt: occurredAt.toISOString(),
        ...(traceparent !== null && { traceparent }),
      },
    }));
  }

  async notePublished(trx: Transaction, published: { position: string; receipt: string }[]): Promise<void> {
    await trx.query(
      'outbox.mark',
      `update ${this.table} as o set published_at = now(), entry_id = p.receipt
         from unnest($1::bigint[], $2::text[]) as p (position, receipt) where o.position = p.position`,
      [published.map(({ position }) => position), published.map(({ receipt }) => receipt)],
    );
  }

  async published(trx: Transaction, after: string, limit: number): Promise<PublishedRow[]> {
    const { rows } = await trx.query<PublishedRow & Record<string, unknown>>(
      'outbox.published',
      `select position, id, entry_id as receipt
         from ${this.table} where published_at is not null and position > $1 order by position limit $2`,
      [after, limit],
    );
    return rows;
  }

  async putBack(trx: Transaction, positions: readonly string[]): Promise<void> {
    await trx.query(
      'outbox.put-back',
      `update ${this.table} set published_at = null, entry_id = null where position = any($1::bigint[])`,
      [positions],
    );
  }

  async removePublishedBefore(database: Queryable, ageMs: number): Promise<void> {
    for (let removed = removeAtOnce; removed === removeAtOnce;) {
      ({ rowCount: removed } = await database.query(
        'outbox.clean-up',
        `delete from ${this.table} where position in (
           select position from ${this.table}
            where published_at < now() - $1 * interval '1 millisecond' limit ${removeAtOnce})`,
        [ageMs],
      ));
    }
  }

  async backlog(database: Queryable): Promise<Backlog> {
    const { rows } = await database.query<{ count: number; oldest_seconds: number }>(
      'outbox.backlog',
      `select count(*)::int as count,
              coalesce(greatest(extract(epoch from now() - min(occurred_at)), 0), 0)::float8 as oldest_seconds
         from ${this.table} where published_at is null`,
    );
    const { count = 0, oldest_seconds: oldestSeconds = 0 } = rows[0] ?? {};
    return { count, oldestSeconds };
  }
}
