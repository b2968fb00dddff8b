import type { Database } from '../postgres/database';
import type { Transaction } from '../postgres/transaction';
import type { BusEvent } from './bus-event';
import { eventErrors } from './events.errors';

/**
 * Applies one event. All that it writes goes through the transaction, which commits with the note that the event is
 * done. The signal fires when it has taken too long.
 */
export type EventHandler = (event: BusEvent, trx: Transaction, signal: AbortSignal) => Promise<void>;

/** Handlers by event type. Events of other types are acknowledged and forgotten. */
export type EventHandlers = Readonly<Record<string, EventHandler>>;

export interface InboxOptions {
  database: Database;
  /** The service's schema, which holds the table made by `createInboxTable`. */
  schema: string;
  /** Whose inbox it is: each group handles every event once. */
  group: string;
  handlers: EventHandlers;
  /** For each handler. One that is not done then is undone. */
  handlerTimeoutMs: number;
  /** Runs around each handler: the place for a trace. */
  around: (event: BusEvent, handle: () => Promise<void>) => Promise<void>;
}

const cleanUpRows = 10_000;

/** Handles events so that each takes effect once: what a handler writes and the note of it commit together. */
export class Inbox {
  constructor(private readonly options: InboxOptions) {}

  /**
   * All in one transaction, in order. Rejects, with nothing done, when any handler does. `guard` runs first in the
   * transaction, and says no by rejecting.
   */
  async handle(events: readonly BusEvent[], guard: (trx: Transaction) => Promise<void>): Promise<void> {
    const wanted = events.filter(({ type }) => Object.hasOwn(this.options.handlers, type));
    if (wanted.length === 0) return;
    const abortion = new AbortController();
    await this.options.database.transaction(
      async (trx) => {
        await guard(trx);
        const fresh = await this.noteFresh(trx, wanted);
        for (const event of wanted) {
          // A stream may hold an event twice; `delete` lets the first one through alone.
          if (fresh.delete(event.id)) await this.handleOne(event, trx, abortion);
        }
      },
      { signal: abortion.signal },
    );
  }

  /** Whether it has been handled: what has must never be given up. */
  async has(event: BusEvent): Promise<boolean> {
    const { database, schema, group } = this.options;
    const { rowCount } = await database.query(
      'inbox.has',
      `select from ${schema}.inbox where consumer = $1 and event_id = $2`,
      [group, event.id],
    );
    return rowCount > 0;
  }

  async forgetOlderThan(ms: number): Promise<void> {
    const { database, schema, group } = this.options;
    for (let removed = cleanUpRows; removed === cleanUpRows;) {
      ({ rowCount: removed } = await database.query(
        'inbox.forget',
        `delete from ${schema}.inbox where (consumer, event_id) in (
           select consumer, event_id from ${schema}.inbox
            where consumer = $1 and handled_at < now() - $2 * interval '1 millisecond' limit ${cleanUpRows})`,
        [group, ms],
      ));
    }
  }

  private async handleOne(event: BusEvent, trx: Transaction, abortion: AbortController): Promise<void> {
    const { handlers, handlerTimeoutMs, around } = this.options;
    const handler = handlers[event.type];
    if (!handler) return;
    const tooLate = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const error = eventErrors.handlerTimeout(handlerTimeoutMs);
      tooLate.reject(error);
      // Ends the statement under way, so that the transaction can be undone.
      abortion.abort(error);
    }, handlerTimeoutMs);
    try {
      await around(event, () => Promise.race([handler(event, trx, abortion.signal), tooLate.promise]));
    } finally {
      clearTimeout(timer);
    }
  }

  private async noteFresh(trx: Transaction, events: readonly BusEvent[]): Promise<Set<string>> {
    const { schema, group } = this.options;
    const { rows } = await trx.query<{ event_id: string }>(
      'inbox.note',
      `insert into ${schema}.inbox (consumer, event_id)
       select $1, id from unnest($2::uuid[]) as id on conflict do nothing returning event_id`,
      [group, events.map(({ id }) => id)],
    );
    return new Set(rows.map(({ event_id: id }) => id));
  }
}
