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
  { name: 'key', type: 'text' },
  { name: 'key_fingerprint', type: 'bytea' },
  { name: 'key_status', type: 'smallint' },
  // An array of arrays would lose where one ends: as text, each is one value.
  { name: 'key_headers', type: 'text' },
  { name: 'key_body', type: 'text' },
];

const noKey: readonly null[] = columns.map(() => null);

export interface GatheredKeysOptions {
  /** The service's schema, which holds the table made by `createIdempotencyTable`. */
  schema: string;
  /** What all requests of such a statement ask for. */
  operation: string;
  /** How long a request can be repeated. */
  lifetimeMs?: number;
}

/**
 * For statements that write many changes at once, each with the key of its request: a key and its change are kept
 * together or not at all. A change whose key is not free is left out; what is known of the key then is found by
 * `IdempotencyKeys` alone. No two changes of one statement may have the same key.
 */
export class GatheredKeys {
  private readonly table: string;

  constructor(private readonly options: GatheredKeysOptions) {
    this.table = `${options.schema}.idempotency_keys`;
  }

  /**
   * The beginning of such a statement: `asked` are its rows, with their `place`, `taken` those that are to be written.
   * Its parameters are arrays, `withTextArrays` or without: those of the keys, then those of the given columns.
   */
  statementOf(more: readonly GatheredColumn[]): string {
    const { lifetimeMs = keyLifetimeMs } = this.options;
    const operation = `'${this.options.operation}'`;
    const lock = keyLock(this.table, { userId: 'key_user', operation, key: 'key' });
    const all = [...columns, ...more];
    const arrays = all.map(({ type }, index) => textArrayParameter(index + 1, type)).join(', ');
    const names = all.map(({ name }) => name).join(', ');
    return `with asked as materialized (
      select *, key is null or pg_try_advisory_xact_lock(${lock}) as is_free
        from unnest(${arrays}) with ordinality as row (${names}, place)),
    kept as (
      insert into ${this.table} as k (user_id, operation, key, fingerprint, status, headers, body, expires_at)
      select key_user, ${operation}, key, key_fingerprint, key_status, key_headers::text[], key_body,
             now() + ${lifetimeMs} * interval '1 millisecond'
        from asked where key is not null and is_free
          on conflict (user_id, operation, key) do update
         set fingerprint = excluded.fingerprint, status = excluded.status, headers = excluded.headers,
             body = excluded.body, expires_at = excluded.expires_at
       where k.expires_at <= now()
      returning k.user_id, k.key),
    taken as materialized (
      select asked.* from asked
       where key is null or exists (select from kept where kept.key = asked.key and user_id = key_user))`;
  }

  /** The values of these columns. Null for a request without a key. */
  valuesOf(write: KeyToKeep | undefined): readonly unknown[] {
    if (!write) return noKey;
    const { userId, operation, key, fingerprint, reply } = write;
    if (operation !== this.options.operation)
      throw new Error(`${operation} has come to ${this.options.operation}`);
    return [userId, key, fingerprint, reply.status, arrayLiteral(reply.headers), reply.body];
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

const special = /["\\]/;
const allSpecial = new RegExp(special, 'g');

/** How PostgreSQL writes an array of text. */
export function arrayLiteral(values: readonly string[]): string {
  return `{${values.map((value) => `"${special.test(value) ? value.replace(allSpecial, '\\$&') : value}"`).join(',')}}`;
}
