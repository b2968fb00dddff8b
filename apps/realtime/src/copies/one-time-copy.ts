import type { Database, Transaction } from '@rostrum/data-access';
import { CopiesRepository } from './copies.repository';

export interface Page<Item> {
  items: readonly Item[];
  /** Where the next one begins; null: that was the last. */
  next: string | null;
}

export interface OneTimeCopyParts<Item> {
  /** Of its row in the table of copies. */
  name: string;
  database: Database;
  page: (after: string | undefined) => Promise<Page<Item>>;
  /** What an event has told since is newer than the page, whichever of the two comes first. */
  put: (trx: Transaction, items: readonly Item[]) => Promise<void>;
  onDone: () => void;
}

/**
 * Copies, once, what was there before this service kept a copy by events. A page and how far it goes are one
 * transaction: any number of workers may do it, and die over it.
 */
export class OneTimeCopy<Item> {
  private done = false;

  constructor(private readonly parts: OneTimeCopyParts<Item>) {}

  /** Goes on where the last one stopped, to the end. */
  async round(): Promise<void> {
    while (!this.done) await this.step();
  }

  private async step(): Promise<void> {
    const { name, database, page, put, onDone } = this.parts;
    const { position, done } = await new CopiesRepository(database).find(name);
    this.done = done;
    if (done) return;
    const { items, next } = await page(position ?? undefined);
    await database.transaction(async (trx) => {
      if (!(await new CopiesRepository(trx).advance(name, { from: position, to: next }))) return;
      await put(trx, items);
      if (next === null) trx.onCommit(onDone);
    });
  }
}
