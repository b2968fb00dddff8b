import { textArrayParameter } from '../gather/text-array';
import { keyLifetimeMs, type KeptReply, type RepeatableWrite } from './idempotency-keys';
import { keyLock } from './key-lock';

/** A key with what its request is answered, to be written along with what the request asks for. */
export interface KeyToKeep extends RepeatableWrite {
  reply: KeptReply;
}

/** A column of a statement that writes many items at once, each of which is a row of its arrays. */
export interface GatheredColumn {
  name: string;
  /** Of one value. */
  type: string;
}

const columns: readonly GatheredColumn[] = [
  { name: 'key_user', type: 'uuid' },
  { name: 'key_operation', type: 'text' },
  { name: 'key', type: 'text' },
  { name: 'key_fingerprint', type: 'bytea' },
  { name: 'key_lock', type: 'bigint' },
  { name: 'key_status', type: 'smallint' },
  // An array of arrays would lose where one ends: as text, each is one value.
  { name: 'key_headers', type: 'text' },
  { name: 'key_body', type: 'text' },
];

const noKey: readonly null[] = columns.map(() => null);

/**
 * For statements that write many changes at once, each with the key of its request: a key and its change are kept
 * together or not at all. A change whose key is not free is left out; what is known of the key then is found by
 * `IdempotencyKeys` alone. No two changes of one statement may have the same key.
 */
export class GatheredKeys {
  private readonly table: string;

  constructor(
    schema: string,
    private readonly lifetimeMs = keyLifetimeMs,
  ) {
    this.table = `${schema}.idempotency_keys`;
  }

  /**
   * The beginning of such a statement: `asked` are its rows, with their `place`, `taken` those that are to be written.
   * Its parameters are arrays, `withTextArrays` or without: those of the keys, then those of the given columns.
   */
  statementOf(more: readonly GatheredColumn[]): string {
    const all = [...columns, ...more];
    const arrays = all.map(({ type }, index) => textArrayParameter(index + 1, type)).join(', ');
    const names = all.map(({ name }) => name).join(', ');
    return `with asked as materialized (
      select *, key is null or pg_try_advisory_xact_lock(key_lock) as is_free
        from unnest(${arrays}) with ordinality as row (${names}, place)),
    kept as (
      insert into ${this.table} as k (user_id, operation, key, fingerprint, status, headers, body, expires_at)
      select key_user, key_operation, key, key_fingerprint, key_status, key_headers::text[], key_body,
             now() + ${this.lifetimeMs} * interval '1 millisecond'
        from asked where key is not null and is_free
          on conflict (user_id, operation, key) do update
         set fingerprint = excluded.fingerprint, status = excluded.status, headers = excluded.headers,
             body = excluded.body, expires_at = excluded.expires_at
       where k.expires_at <= now()
      returning k.user_id, k.operation, k.key),
    taken as materialized (
      select asked.* from asked
       where key is null
          or exists (select from kept
                      where kept.key = asked.key and user_id = key_user and operation = key_operation))`;
  }

  /** The values of these columns. Null for a request without a key. */
  valuesOf(write: KeyToKeep | undefined): readonly unknown[] {
    if (!write) return noKey;
    const { userId, operation, key, fingerprint, reply } = write;
    return [
      ...[userId, operation, key, fingerprint, keyLock(this.table, write)],
      ...[reply.status, arrayLiteral(reply.headers), reply.body],
    ];
  }
}

/** The order in which keys are written: whoever writes the same ones at the same time waits, and never in a ring. */
export function compareKeys(one: KeyToKeep | undefined, other: KeyToKeep | undefined): number {
  const byKey = compare(one?.key ?? '', other?.key ?? '');
  return byKey === 0 ? compare(one?.userId ?? '', other?.userId ?? '') : byKey;
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** How PostgreSQL writes an array of text. */
export function arrayLiteral(values: readonly string[]): string {
  return `{${values.map((value) => `"${value.replace(/["\\]/g, '\\$&')}"`).join(',')}}`;
}
