import { isAppError } from '@rostrum/errors';
import type { Queryable } from '../queryable';
import { isSqlError } from '../sql-state';

export interface GatheredWriteOptions<Item> {
  db: Pick<Queryable, 'query'>;
  /** Names the statement, as in `query`. */
  name: string;
  /** Writes all items, which come as one array per column: `insert into … select * from unnest($1::uuid[], $2::text[])`. */
  text: string;
  /** An item's values, one per column, in the statement's order. */
  valuesOf: (item: Item) => readonly unknown[];
  /** Items at most in one statement. */
  most?: number;
  /** Statements at most under way; what is asked for meanwhile gathers. */
  inFlight?: number;
}

/** Resolves when the item has been committed. */
export type GatheredWrite<Item> = (item: Item) => Promise<void>;

interface Waiting<Item> {
  item: Item;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * Makes many writes one: what is asked for while others are under way travels together, and shares one commit. When the
 * server refuses a batch, none of it has been kept, and its items are written one by one, so that each has its own
 * outcome; when it is not known what became of a batch, all its callers are told so.
 */
export function createGatheredWrite<Item>(options: GatheredWriteOptions<Item>): GatheredWrite<Item> {
  const { most = 200, inFlight = 2 } = options;
  let waiting: Waiting<Item>[] = [];
  let underWay = 0;
  let planned = false;

  const send = () => {
    planned = false;
    while (waiting.length > 0 && underWay < inFlight) {
      const batch = waiting.slice(0, most);
      waiting = waiting.slice(most);
      underWay += 1;
      void writeAll(options, batch).finally(() => {
        underWay -= 1;
        send();
      });
    }
  };
  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (planned || underWay >= inFlight) return;
      planned = true;
      setImmediate(send);
    });
}

async function writeAll<Item>(options: GatheredWriteOptions<Item>, batch: Waiting<Item>[]): Promise<void> {
  try {
    await options.db.query(options.name, options.text, columns(options, batch));
    for (const { resolve } of batch) resolve();
  } catch (error) {
    if (batch.length > 1 && isRefusal(error)) {
      // One after the other: a bad batch must not take more connections than a good one.
      for (const one of batch) await writeAll(options, [one]);
      return;
    }
    for (const { reject } of batch) reject(error);
  }
}

function columns<Item>({ valuesOf }: GatheredWriteOptions<Item>, batch: Waiting<Item>[]): unknown[][] {
  const rows = batch.map(({ item }) => valuesOf(item));
  const width = rows[0]?.length ?? 0;
  return Array.from({ length: width }, (_, column) => rows.map((row) => row[column]));
}

/** The server has answered that it did not do it, because of what it was given. */
function isRefusal(error: unknown): boolean {
  return isSqlError(error) && !isAppError(error);
}
