import type { EventContract } from '@rostrum/contracts';
import type { BusEvent, EventHandlers, Transaction } from '@rostrum/data-access';
import type { z } from 'zod';

/** What a handler gets besides the payload. */
export interface HandlingContext {
  /** Everything that the handler writes goes through it: it commits with the note that the event is done. */
  trx: Transaction;
  event: BusEvent;
  /** Fires when the handler has taken too long: for whatever it asks of others. */
  signal: AbortSignal;
}

/** One kind of event and what is done about it. */
export interface Subscription {
  contract: EventContract;
  handle: (payload: unknown, context: HandlingContext) => Promise<void>;
}

/** Ties a handler to an event's contract: it gets only payloads that are as the contract says. */
export function onEvent<Event extends EventContract>(
  contract: Event,
  handle: (payload: z.output<Event['payload']>, context: HandlingContext) => Promise<void>,
): Subscription {
  return {
    contract,
    handle: (payload, context) =>
      handle(contract.payload.parse(payload) as z.output<Event['payload']>, context),
  };
}

/** One handler per type, which does what all subscriptions of the event's version ask for, one after the other. */
export function toHandlers(subscriptions: readonly Subscription[]): EventHandlers {
  const handlerOf =
    (type: string): EventHandlers[string] =>
    async (event, trx, signal) => {
      const found = subscriptions.filter(
        ({ contract }) => contract.type === type && contract.version === event.version,
      );
      // Kept as a dead letter, it can be replayed once a release that understands it is out.
      if (found.length === 0) throw new Error(`No handler knows version ${event.version} of ${type}`);
      for (const each of found) await each.handle(event.payload, { trx, event, signal });
    };
  return Object.fromEntries(subscriptions.map(({ contract: { type } }) => [type, handlerOf(type)]));
}
