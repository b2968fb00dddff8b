import { newId } from '../new-id';
import type { Database } from '../postgres/database';
import type { Transaction } from '../postgres/transaction';

export interface NewEvent {
  type: string;
  version: number;
  key: string;
  payload: unknown;
  traceparent?: string | undefined;
}

export interface OutboxOptions {
  database: Database;
  /** The service's schema, which holds the table made by `createOutboxTable`. */
  schema: string;
}

export interface Outbox {
  /** Writes the event in the caller's transaction: it is published if, and only if, that one commits. */
  add(trx: Transaction, event: NewEvent): Promise<void>;
  /**
   * For statements that write events into the table themselves, with what they tell of: called once they have been
   * committed, it has them published at once.
   */
  wake(): void;
}

/** The channel on which a schema's relay hears that events wait. */
export function outboxChannel(schema: string): string {
  return `outbox_${schema}`;
}

export function createOutbox({ database, schema }: OutboxOptions): Outbox {
  const wakeRelay = createWaker(database, outboxChannel(schema));
  return {
    async add(trx, { type, version, key, payload, traceparent }) {
      await trx.query(
        'outbox.add',
        `insert into ${schema}.outbox (id, type, version, key, payload, traceparent) values ($1, $2, $3, $4, $5, $6)`,
        [newId(), type, version, key, JSON.stringify(payload), traceparent ?? null],
      );
      trx.onCommit(wakeRelay);
    },
    wake: wakeRelay,
  };
}

/** For so long after a wake-up others wait, and become one. */
const restMs = 10;

/**
 * The wake-up is a statement of its own after the commit. As part of the transaction it would make PostgreSQL take
 * its one lock for notifications through every commit, which then pass one by one, disk write and all. Lost wake-ups
 * cost only the time until the relay looks by itself, so nobody waits for them, there is one under way at most, and
 * where commits follow each other closely few of them have one of their own.
 */
function createWaker(database: Database, channel: string): () => void {
  let isResting = false;
  let again = false;
  const send = async (): Promise<void> => {
    isResting = true;
    try {
      await database.query('outbox.wake', 'select pg_notify($1, $2)', [channel, '']);
    } catch {
      // The relay looks by itself.
    }
    setTimeout(rested, restMs).unref();
  };
  const rested = (): void => {
    isResting = false;
    if (again) wake();
  };
  const wake = (): void => {
    again = isResting;
    if (!isResting) void send();
  };
  return wake;
}
