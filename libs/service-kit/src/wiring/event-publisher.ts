import type { EventContract } from '@rostrum/contracts';
import type { Outbox, Transaction } from '@rostrum/data-access';
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
  };
}
