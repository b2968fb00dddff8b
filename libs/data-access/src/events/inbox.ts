import type { Database } from '../postgres/database';
import type { Transaction } from '../postgres/transaction';
import type { BusEvent } from './bus-event';

export type EventHandler = (event: BusEvent, trx: Transaction) => Promise<void>;

/** Handlers by event type. Events of other types are acknowledged and forgotten. */
export type EventHandlers = Readonly<Record<string, EventHandler>>;

export interface InboxOptions {
  database: Database;
  /** The service's schema, which holds the table made by `createInboxTable`. */
  schema: string;
  /** Whose inbox it is: each group handles every event once. */
  group: string;
  handlers: EventHandlers;
  /** Runs around each handler: the place for a trace. */
  around: (event: BusEvent, handle: () => Promise<void>) => Promise<void>;
}

const cleanUpRows = 10_000;

/** Handles events so that each takes effect once: what a handler writes and the note of it commit together. */
export class Inbox {
  constructor(private readonly options: InboxOptions) {}

  wants(event: BusEvent): boolean {
    return Object.hasOwn(this.options.handlers, event.type);
  }

  /** All in one transaction, in order. Rejects, with nothing done, when any handler does. */
  async handle(events: BusEvent[]): Promise<void> {
    const wanted = events.filter((event) => this.wants(event));
    if (wanted.length === 0) return;
    await this.options.database.transaction(async (trx) => {
      const fresh = await this.noteFresh(trx, wanted);
      for (const event of wanted) {
        // A stream may hold an event twice; `delete` lets the first one through alone.
        if (!fresh.delete(event.id)) continue;
        const handler = this.options.handlers[event.type];
        if (handler) await this.options.around(event, () => handler(event, trx));
      }
    });
  }

  async forgetOlderThan(ms: number): Promise<void> {
    const { database, schema, group } = this.options;
    await database.query(
      'inbox.forget',
      `delete from ${schema}.inbox where (consumer, event_id) in (
         select consumer, event_id from ${schema}.inbox
          where consumer = $1 and handled_at < now() - $2 * interval '1 millisecond' limit ${cleanUpRows})`,
      [group, ms],
    );
  }

  private async noteFresh(trx: Transaction, events: BusEvent[]): Promise<Set<string>> {
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
