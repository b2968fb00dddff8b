import type { Queryable } from '../queryable';
import type { Transaction } from '../transaction';
import { keyLock } from './key-lock';

/** A write that its client can repeat: a key means something for one user and one operation only. */
export interface RepeatableWrite {
  userId: string;
  operation: string;
  key: string;
  /** What the request asks for, as a hash: another request under the same key is a mistake. */
  fingerprint: Buffer;
}

/** What was answered. `headers` is a flat list of names and values. */
export interface KeptReply {
  status: number;
  headers: string[];
  body: string | null;
}

/** What is known of a key: nothing, that a request with it is under way, or what the request with it was answered. */
export type KeyFinding =
  { state: 'free' } | { state: 'in-flight' } | { state: 'mismatch' } | { state: 'kept'; reply: KeptReply };

export interface IdempotencyKeysOptions {
  /** The service's schema, which holds the table made by `createIdempotencyTable`. */
  schema: string;
  /** How long a request can be repeated. */
  lifetimeMs?: number;
}

interface FoundRow {
  locked: boolean;
  fingerprint: Buffer | null;
  status: number | null;
  headers: string[] | null;
  body: string | null;
}

/** How long a request can be repeated, unless somebody says otherwise. */
export const keyLifetimeMs = 24 * 60 * 60 * 1_000;
const removeAtOnce = 1_000;

/**
 * The keys of repeatable writes. Key, change and answer are committed together or not at all, so that no crash leaves
 * one without the other: `find` begins the transaction of the write, `keep` ends it.
 */
export class IdempotencyKeys {
  private readonly table: string;
  private readonly lock: string;
  private readonly lifetimeMs: number;

  constructor({ schema, lifetimeMs = keyLifetimeMs }: IdempotencyKeysOptions) {
    this.table = `${schema}.idempotency_keys`;
    this.lock = keyLock(this.table, { userId: '$1::uuid', operation: '$2::text', key: '$3::text' });
    this.lifetimeMs = lifetimeMs;
  }

  /**
   * Whoever finds a key free holds it to the end of the transaction. Others do not wait for them, as each would hold a
   * connection meanwhile: they find it in flight. The lock only spares work; what lets one of them through alone is the
   * primary key, in `keep`.
   */
  async find(trx: Transaction, write: RepeatableWrite): Promise<KeyFinding> {
    const { userId, operation, key, fingerprint } = write;
    const { rows } = await trx.query<FoundRow>(
      'idempotency.find',
      `select pg_try_advisory_xact_lock(${this.lock}) as locked, k.fingerprint, k.status, k.headers, k.body
         from (values (1)) as one
         left join ${this.table} k
           on k.user_id = $1 and k.operation = $2 and k.key = $3 and k.expires_at > now()`,
      [userId, operation, key],
    );
    const { locked, fingerprint: known, status, headers, body } = rows[0] as FoundRow;
    if (known === null || status === null) return { state: locked ? 'free' : 'in-flight' };
    if (!known.equals(fingerprint)) return { state: 'mismatch' };
    return { state: 'kept', reply: { status, headers: headers ?? [], body } };
  }

  /** False where another request with this key was first after all: the transaction must not commit then. */
  async keep(trx: Transaction, write: RepeatableWrite, reply: KeptReply): Promise<boolean> {
    const { rowCount } = await trx.query(
      'idempotency.keep',
      `insert into ${this.table} as k (user_id, operation, key, fingerprint, status, headers, body, expires_at)
       values ($1, $2, $3, $4, $5, $6, $7, now() + $8 * interval '1 millisecond')
       on conflict (user_id, operation, key) do update
          set fingerprint = excluded.fingerprint, status = excluded.status, headers = excluded.headers,
              body = excluded.body, expires_at = excluded.expires_at
        where k.expires_at <= now()`,
      [
        ...[write.userId, write.operation, write.key, write.fingerprint],
        ...[reply.status, reply.headers, reply.body, this.lifetimeMs],
      ],
    );
    return rowCount > 0;
  }

  /** Removes what has expired, in small batches that several workers share. Answers how many keys it has removed. */
  async removeExpired(database: Queryable): Promise<number> {
    let total = 0;
    for (let removed = removeAtOnce; removed === removeAtOnce; total += removed) {
      // The time is asked for again outside: a key that is taken anew meanwhile has not expired.
      ({ rowCount: removed } = await database.query(
        'idempotency.remove-expired',
        `delete from ${this.table} where expires_at <= now() and (user_id, operation, key) in (
           select user_id, operation, key from ${this.table} where expires_at <= now()
            order by expires_at limit ${removeAtOnce} for update skip locked)`,
      ));
    }
    return total;
  }
}
