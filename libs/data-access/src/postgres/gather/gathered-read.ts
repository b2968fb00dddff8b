import { isSqlError } from '../sql-state';
import type { Queryable, QueryOptions } from '../queryable';
import { CallerSignals, type Caller } from './caller-signals';
import type { AskForSignal } from '../../late-caller';

export interface GatheredReadOptions<Key, Found extends object> {
  db: Queryable;
  /** Names the statement, as in `query`. */
  name: string;
  /** Selects the rows of the keys in the array `$1`: `… where id = any($1)`. */
  text: string;
  keyOf: (row: Found) => Key;
  /** Keys at most in one statement. */
  most?: number;
}

export interface GatheredQueryOptions extends QueryOptions {
  /** In place of a signal: asked for only where the statement takes long, for a signal costs more than a row. */
  lateSignal?: AskForSignal;
}

/** Resolves to the key's row, or to undefined where there is none. */
export type GatheredRead<Key, Found> = (
  key: Key,
  options?: GatheredQueryOptions,
) => Promise<Found | undefined>;

interface Asker<Found> extends Caller {
  resolve: (found: Found | undefined) => void;
}

/**
 * Makes many reads of single rows one: all that are asked for in one turn of the event loop travel in one statement, and
 * a key that several ask for travels once. Each caller has their own outcome: one who goes away is answered at once and
 * disturbs nobody (the statement ends when all of them have gone), and a key that the server refuses to understand fails
 * for its caller alone.
 */
export function createGatheredRead<Key extends string | number, Found extends object>(
  options: GatheredReadOptions<Key, Found>,
): GatheredRead<Key, Found> {
  const { most = 500 } = options;
  let gathered = new Map<Key, Asker<Found>[]>();
  const send = () => {
    const all = [...gathered];
    gathered = new Map();
    for (let start = 0; start < all.length; start += most)
      void readSome(options, all.slice(start, start + most));
  };
  return (key, { signal, lateSignal } = {}) => {
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    return new Promise((resolve, reject) => {
      // Requests arrive in I/O callbacks; `setImmediate` runs after all those of this turn, a microtask after each.
      if (gathered.size === 0) setImmediate(send);
      const asker = { resolve, reject, signal, lateSignal };
      const others = gathered.get(key);
      if (others) others.push(asker);
      else gathered.set(key, [asker]);
    });
  };
}

type Asked<Key, Found> = [key: Key, askers: Asker<Found>[]];

async function readSome<Key, Found extends object>(
  { db, name, text, keyOf }: GatheredReadOptions<Key, Found>,
  asked: Asked<Key, Found>[],
): Promise<void> {
  const signals = new CallerSignals(asked.flatMap(([, askers]) => askers));
  try {
    const keys = asked.map(([key]) => key);
    const { rows } = await db.query<Found>(name, text, [keys], signals.options);
    const found = new Map(rows.map((row) => [keyOf(row), row]));
    for (const [key, askers] of asked) {
      const row = found.get(key);
      for (const { resolve } of askers) resolve(row);
    }
  } catch (error) {
    if (asked.length > 1 && isOfOneKey(error)) {
      for (const one of asked) void readSome({ db, name, text, keyOf }, [one]);
      return;
    }
    for (const [, askers] of asked) for (const { reject } of askers) reject(error);
  } finally {
    signals.close();
  }
}

/** A value that is no uuid, no number, no text: the class of what is wrong with data. */
function isOfOneKey(error: unknown): boolean {
  return isSqlError(error) && error.code.startsWith('22');
}
