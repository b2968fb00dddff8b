import type { ConsumerInfo, StreamConfig } from '@nats-io/jetstream';
import { toJson, type SerializedEvent } from '../bus-event';
import type { DeadLetters, EventBus, GroupMember, Membership, PublishedEvent } from '../event-bus';
import { eventErrors } from '../events.errors';
import { defaultPartitions, parseReceipt, partitionOf, receiptOf } from '../partitions';
import { groupPartitionSubject, natsNames } from './names';
import { isApiError, NatsLink, type NatsConnectionOptions } from './nats-connection';
import { NatsDeadLetters } from './nats-dead-letters';
import { NatsMember } from './nats-member';
import { StreamLook } from './stream-look';

export interface NatsBusOptions extends NatsConnectionOptions {
  partitions?: number;
  /** A stream that holds so many events takes no more until its groups are through with some: they wait in outboxes. */
  maxLength?: number;
  /** How many servers of a NATS cluster keep each stream. */
  replicas?: number;
  /** A message that its holder has not said a word about for so long is given to the partition's owner. */
  ackWaitMs?: number;
}

const streamIsFull = [10_077, 10_047];
/** An event that is published again within this time is known to be in the stream. */
const duplicateWindowMs = 120_000;

/** NATS JetStream: one stream for each service, one subject for each partition. */
export function createNatsBus(options: NatsBusOptions): EventBus {
  return new NatsBus(options);
}

class NatsBus implements EventBus {
  readonly partitions: number;
  private readonly link: NatsLink;
  private readonly look: StreamLook;
  private readonly ackWaitMs: number;

  constructor(private readonly options: NatsBusOptions) {
    this.partitions = options.partitions ?? defaultPartitions;
    this.ackWaitMs = options.ackWaitMs ?? 10_000;
    this.link = new NatsLink(options);
    this.look = new StreamLook(this.link);
  }

  /** One after the other within a partition: an event must not be there before the one ahead of it is. */
  async publish(stream: string, events: readonly SerializedEvent[]): Promise<string[]> {
    const { interruptions } = this.link;
    const created = await this.ensureStream(stream);
    const receipts: string[] = [];
    const queues = new Map<number, { event: SerializedEvent; index: number }[]>();
    for (const [index, event] of events.entries()) {
      const partition = partitionOf(event.key, this.partitions);
      queues.set(partition, [...(queues.get(partition) ?? []), { event, index }]);
    }
    const outcomes = await Promise.allSettled(
      [...queues].map(async ([partition, queue]) => {
        for (const { event, index } of queue) {
          // Our caller decided to publish while another connection stood, and may have something to make good first.
          if (interruptions !== this.link.interruptions) throw new Error('The connection to NATS was lost');
          const sequence = await this.publishOne(stream, partition, event);
          receipts[index] = receiptOf(partition, `${sequence}@${created}`);
        }
      }),
    );
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason as Error;
    return receipts;
  }

  async findMissing<Event extends PublishedEvent>(
    stream: string,
    published: readonly Event[],
  ): Promise<Event[]> {
    const created = await this.ensureStream(stream);
    const { first_seq: first } = await this.look.state(natsNames.stream(stream));
    const missing = async (event: Event): Promise<boolean> => {
      const [sequence, madeWith] = parseReceipt(event.receipt)?.position.split('@') ?? [];
      if (madeWith !== created) return true;
      // What is before the first has been acknowledged by all.
      if (Number(sequence) < first) return false;
      return (await this.look.messageId(natsNames.stream(stream), Number(sequence))) !== event.id;
    };
    const verdicts = await Promise.all(published.map(missing));
    return published.filter((_, index) => verdicts[index]);
  }

  onInterruption(listener: () => void): () => void {
    return this.link.onInterruption(listener);
  }

  async oldestUnacknowledged(stream: string): Promise<Date | undefined> {
    await this.ensureStream(stream);
    const name = natsNames.stream(stream);
    const oldest = await this.look.oldestOfEach(name);
    const times = await Promise.all(oldest.map((sequence) => this.look.timeOf(name, sequence)));
    const known = times.flatMap((time) => time?.getTime() ?? []);
    return known.length > 0 ? new Date(Math.min(...known)) : undefined;
  }

  async trim(stream: string, before: Date): Promise<void> {
    await this.ensureStream(stream);
    const name = natsNames.stream(stream);
    const needed = await this.look.oldestOfEach(name);
    const limit = Math.min(await this.look.firstSince(name, before), ...needed);
    await this.look.removeBefore(name, limit);
  }

  join(membership: Membership): GroupMember {
    return new NatsMember({
      ...membership,
      link: this.link,
      partitions: this.partitions,
      ackWaitMs: this.ackWaitMs,
      deadLetters: this.lettersOf(membership.stream, membership.group),
      ensureStream: () => this.ensureStream(membership.stream),
    });
  }

  async lag(stream: string, group: string): Promise<number> {
    await this.ensureStream(stream);
    const name = natsNames.stream(stream);
    const consumers = new Map((await this.look.consumers(name)).map((info) => [info.name, info]));
    const counts = Array.from({ length: this.partitions + 1 }, async (_, partition) => {
      const info: ConsumerInfo | undefined = consumers.get(natsNames.consumer(group, partition));
      if (info) return info.num_pending + info.num_ack_pending;
      return this.look.countOf(name, groupPartitionSubject({ stream, group }, partition, this.partitions));
    });
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  }

  deadLetters(stream: string, group: string): DeadLetters {
    return this.lettersOf(stream, group);
  }

  /** NATS keeps no books of members: what one holds is given to the next owner when it falls silent. */
  removeMember(): Promise<void> {
    return Promise.resolve();
  }

  async ping(): Promise<void> {
    const { connection } = await this.link.open();
    await connection.rtt();
  }

  close(): Promise<void> {
    return this.link.close();
  }

  private async publishOne(stream: string, partition: number, event: SerializedEvent): Promise<number> {
    const { client } = await this.link.open();
    try {
      const subject = natsNames.partition(stream, partition);
      return (await client.publish(subject, toJson(event), { msgID: event.id })).seq;
    } catch (error) {
      if (streamIsFull.some((code) => isApiError(error, code))) throw eventErrors.streamIsFull(stream);
      throw error;
    }
  }

  private lettersOf(stream: string, group: string): NatsDeadLetters {
    return new NatsDeadLetters(this.link, { stream, group }, () => this.ensureDeadStream(stream));
  }

  private ensureStream(stream: string): Promise<string> {
    return this.link.ensureStream({
      ...this.common(),
      name: natsNames.stream(stream),
      subjects: [natsNames.subjects(stream)],
      max_msgs: this.options.maxLength ?? 1_000_000,
      duplicate_window: duplicateWindowMs * 1e6,
    });
  }

  private ensureDeadStream(stream: string): Promise<string> {
    return this.link.ensureStream({
      ...this.common(),
      name: natsNames.deadStream(stream),
      subjects: [natsNames.deadSubjects(stream)],
      duplicate_window: duplicateWindowMs * 1e6,
    });
  }

  private common(): Partial<StreamConfig> {
    return {
      retention: 'limits',
      discard: 'new',
      storage: 'file',
      num_replicas: this.options.replicas ?? 1,
      allow_direct: true,
    };
  }
}
