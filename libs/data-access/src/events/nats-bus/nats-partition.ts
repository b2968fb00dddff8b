import type { Consumer, ConsumerInfo, ConsumerMessages, JsMsg } from '@nats-io/jetstream';
import { tryFromJson } from '../bus-event';
import type { Delivery } from '../event-bus';

export interface PartitionSource {
  consumer(): Promise<Consumer>;
  info(): Promise<ConsumerInfo>;
}

/** A delivery with what lies in the stream, which a dead letter keeps. */
export interface NatsDelivery extends Delivery {
  data: Uint8Array;
}

interface Held {
  message: JsMsg;
  seenBefore: boolean;
}

/** The client lets no request wait for less. */
const shortestWaitMs = 1_000;

/**
 * One partition of ours. The server gives out messages to whoever asks for some, also to a member that has lost the
 * partition and does not know it yet, and gives them out anew when they have not been acknowledged for a while, after
 * newer ones. So nothing is handed on while the group holds a message that we do not. The server numbers what it gives
 * out: as long as the numbers have no gap, nobody else was given anything.
 */
export class NatsPartition {
  /** Called when a message has come. */
  onNews: () => void = () => undefined;
  private readonly held = new Map<number, Held>();
  private phase: 'taken' | 'leftovers' | 'clean' = 'taken';
  private lastNumber = 0;
  private asking: Promise<void> | undefined;
  private arriving: ConsumerMessages | undefined;
  private failure: Error | undefined;
  private dropped = false;

  constructor(
    readonly partition: number,
    private readonly source: PartitionSource,
  ) {}

  /** Whether there is something to hand out, or a reason to fail. */
  get hasNews(): boolean {
    return (
      this.failure !== undefined ||
      this.phase === 'leftovers' ||
      (this.phase === 'clean' && this.held.size > 0)
    );
  }

  /** Asks for messages, unless that is under way; resolves when the request is over. */
  ask(max: number, waitMs: number): Promise<void> {
    this.asking ??= (this.phase === 'taken' ? this.gather(max) : this.receive(max, waitMs))
      .catch((error: Error) => {
        this.failure = error;
        this.phase = 'taken';
      })
      .finally(() => (this.asking = undefined));
    return this.asking;
  }

  /** Why asking has failed, once. */
  takeFailure(): Error | undefined {
    const { failure } = this;
    this.failure = undefined;
    return failure;
  }

  /** Messages that are free to be handled, in order. */
  handOut(max: number): NatsDelivery[] {
    if (this.phase === 'taken') return [];
    const inOrder = [...this.held.entries()].sort(([a], [b]) => a - b);
    const [oldest] = inOrder;
    if (!oldest) this.phase = 'clean';
    const alone = this.phase === 'leftovers' || oldest?.[1].seenBefore === true;
    return inOrder
      .slice(0, alone ? 1 : max)
      .map(([sequence, { message }]) =>
        toDelivery(message, { partition: this.partition, position: String(sequence), seenBefore: alone }),
      );
  }

  acknowledge(deliveries: readonly Delivery[]): void {
    for (const { position } of deliveries) {
      this.held.get(Number(position))?.message.ack();
      this.held.delete(Number(position));
    }
  }

  /** They stay with us; if we die, the server gives them to the next owner. */
  refuse(deliveries: readonly Delivery[]): void {
    for (const { position } of deliveries) {
      const held = this.held.get(Number(position));
      if (held) held.seenBefore = true;
    }
    if (this.phase === 'clean') this.phase = 'leftovers';
  }

  /** The connection was lost: the server has forgotten what we asked for, and may have sent what never arrived. */
  noteInterruption(): void {
    this.phase = 'taken';
    this.arriving?.stop();
  }

  /** Tells the server that we are at work on what we hold. */
  keep(): void {
    for (const { message } of this.held.values()) message.working();
  }

  /** Gives back what we hold, for whoever is the owner now. */
  drop(): void {
    this.dropped = true;
    for (const { message } of this.held.values()) message.nak();
    this.held.clear();
  }

  private async receive(max: number, waitMs: number): Promise<void> {
    const consumer = await this.source.consumer();
    // The client asks for heartbeats twice in that time, and NATS knows no fractions.
    const expires = 2 * Math.ceil(Math.max(waitMs, shortestWaitMs) / 2);
    this.arriving = await consumer.fetch({ max_messages: max, expires });
    for await (const message of this.arriving) this.take(message);
  }

  private take(message: JsMsg): void {
    if (this.dropped) return message.nak();
    const { deliverySequence, deliveryCount, streamSequence } = message.info;
    if (this.phase === 'clean' && deliverySequence !== this.lastNumber + 1) this.phase = 'taken';
    this.lastNumber = Math.max(this.lastNumber, deliverySequence);
    const before = this.held.get(streamSequence);
    const seenBefore = deliveryCount > 1 || before?.seenBefore === true;
    this.held.set(streamSequence, { message, seenBefore });
    this.onNews();
  }

  /** Until we hold all that the group holds, nobody knows what is the oldest. */
  private async gather(max: number): Promise<void> {
    const { num_ack_pending: outstanding, delivered } = await this.source.info();
    const lacking = outstanding - this.held.size;
    if (lacking > 0) return this.receive(Math.max(lacking, max), shortestWaitMs);
    this.lastNumber = delivered.consumer_seq;
    this.phase = this.held.size > 0 ? 'leftovers' : 'clean';
  }
}

function toDelivery(message: JsMsg, place: Omit<NatsDelivery, 'event' | 'data'>): NatsDelivery {
  return { ...place, event: tryFromJson(message.string()), data: message.data };
}
