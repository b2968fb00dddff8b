import type { Queryable } from '../queryable';
import { isRefusalOfData } from '../sql-state';
import { WriteQueue, type Waiting } from './write-queue';

export interface GatheredWriteOptions<Item> {
  db: Pick<Queryable, 'query'>;
  /** Names the statement, as in `query`. */
  name: string;
  /** Writes all items, which come as one array per column: `insert into … select * from unnest($1::uuid[], $2::text[])`. */
  text: string;
  /** An item's values, one per column, in the statement's order. */
  valuesOf: (item: Item) => readonly unknown[];
  /**
   * The statement's rows are the items that it has left out, each as its `place` in the batch, from 1. Their callers get
   * `false`. Without this all items count as written.
   */
  leavesOut?: boolean;
  /** In which order the items of a batch are written: so that those who write the same rows never wait in a ring. */
  order?: (one: Item, other: Item) => number;
  /** What is to be done with items that stand now, before their callers are told. Must not reject. */
  after?: (items: readonly Item[]) => Promise<unknown>;
  /**
   * So many items are not kept waiting for more: while a statement is under way, others are prepared for the next. Fewer
   * at a time cost more each, for what a statement costs whatever is in it.
   */
  enough?: number;
  /** Items at most in one statement. */
  most?: number;
  /** Statements at most under way; what is asked for meanwhile gathers. */
  inFlight?: number;
  /** Items that may wait; more are refused with a 503. */
  mostWaiting?: number;
  /** How long an item may wait to be sent before it is refused with a 503. */
  longestWaitMs?: number;
}

/** Resolves when the item has been committed; to false where the statement has left it out. */
export type GatheredWrite<Item> = (item: Item) => Promise<boolean>;

/**
 * Makes many writes one: what is asked for while others are under way travels together, and shares one commit. When the
 * server refuses a batch for what is in it, none of it has been kept, and its halves are written by themselves, so that
 * each item has its own outcome; when it is not known what became of a batch, all its callers are told so.
 */
export function createGatheredWrite<Item>(options: GatheredWriteOptions<Item>): GatheredWrite<Item> {
  const queue = new WriteQueue<Item>(options, (batch) => writeAll(options, batch));
  return (item) => queue.add(item);
}

async function writeAll<Item>(options: GatheredWriteOptions<Item>, batch: Waiting<Item>[]): Promise<void> {
  const { db, name, text, order } = options;
  if (order) batch.sort((one, other) => order(one.item, other.item));
  try {
    const { rows } = await db.query<{ place: number }>(name, text, columns(options, batch));
    // What comes after keeps nobody's place: the next batch may be sent.
    void settle(options, batch, options.leavesOut ? rows : []);
  } catch (error) {
    if (batch.length > 1 && isRefusalOfData(error)) {
      // One after the other: a bad batch must not take more connections than a good one.
      const middle = batch.length >> 1;
      await writeAll(options, batch.slice(0, middle));
      await writeAll(options, batch.slice(middle));
      return;
    }
    for (const { reject } of batch) reject(error);
  }
}

async function settle<Item>(
  { after }: GatheredWriteOptions<Item>,
  batch: readonly Waiting<Item>[],
  leftOut: readonly { place: number }[],
): Promise<void> {
  const places = new Set(leftOut.map(({ place }) => place));
  const written = places.size === 0 ? batch : batch.filter((_, index) => !places.has(index + 1));
  try {
    if (after && written.length > 0) await after(written.map(({ item }) => item));
  } finally {
    for (const [index, { resolve }] of batch.entries()) resolve(!places.has(index + 1));
  }
}

function columns<Item>({ valuesOf }: GatheredWriteOptions<Item>, batch: Waiting<Item>[]): unknown[][] {
  const rows = batch.map(({ item }) => valuesOf(item));
  const width = rows[0]?.length ?? 0;
  return Array.from({ length: width }, (_, column) => rows.map((row) => row[column]));
}
