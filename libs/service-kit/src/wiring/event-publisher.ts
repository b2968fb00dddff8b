import type { EventContract } from '@rostrum/contracts';
import { newId, type Outbox, type Transaction } from '@rostrum/data-access';
import { currentContext } from '@rostrum/observability';
import type { z } from 'zod';

export interface Fact<Event extends EventContract> {
  /** Events of one key are handled in their order. */
  key: string;
  payload: z.input<Event['payload']>;
}

/** Tells other services what has happened here. */
export interface EventPublisher {
  /** The event is published if, and only if, the transaction commits. Its payload must be as its contract says. */
  publish<Event extends EventContract>(trx: Transaction, event: Event, fact: Fact<Event>): Promise<void>;
  /** The row of an event, for a statement that writes it into the outbox itself, with what the event tells of. */
  rowOf<Event extends EventContract>(event: Event, fact: Fact<Event>): EventRow;
  /** Has such rows published at once. For after their commit; without it they wait until the relay looks by itself. */
  wake(): void;
}

/** The columns of an event in the outbox, but for its place and its time, which the table gives. */
export interface EventRow {
  id: string;
  type: string;
  version: number;
  key: string;
  /** As JSON. */
  payload: string;
  traceparent: string | null;
}

/** Writes contracted events into the outbox, with the trace that they belong to. */
export function createEventPublisher(outbox: Outbox): EventPublisher {
  return {
    publish: async (trx, { type, version, payload: schema }, { key, payload }) =>
      outbox.add(trx, {
        type,
        version,
        key,
        payload: schema.parse(payload),
        traceparent: currentContext()?.traceparent(),
      }),
    rowOf: ({ type, version, payload: schema }, { key, payload }) => ({
      id: newId(),
      type,
      version,
      key,
      payload: JSON.stringify(schema.parse(payload)),
      traceparent: currentContext()?.traceparent() ?? null,
    }),
    wake: () => outbox.wake(),
  };
}
