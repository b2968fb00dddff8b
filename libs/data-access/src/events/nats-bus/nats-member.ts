import type { ConsumerConfig } from '@nats-io/jetstream';
import type { DeathStory, Delivery, FetchRequest, GroupMember, Membership } from '../event-bus';
import { groupPartitionSubject, natsNames } from './names';
import type { NatsDeadLetters } from './nats-dead-letters';
import { isApiError, type NatsLink } from './nats-connection';
import { NatsPartition, type NatsDelivery, type PartitionSource } from './nats-partition';

export interface NatsMemberOptions extends Membership {
  link: NatsLink;
  partitions: number;
  ackWaitMs: number;
  deadLetters: NatsDeadLetters;
  ensureStream: () => Promise<unknown>;
}

const consumerNameInUse = [10_013, 10_105, 10_148];

/** A member of a group: each partition of the group is a consumer of NATS, which the partition's owner asks. */
export class NatsMember implements GroupMember {
  private readonly states = new Map<number, NatsPartition>();
  private readonly keeper: NodeJS.Timeout;
  private readonly stopHearing: () => void;
  private news: PromiseWithResolvers<void> = Promise.withResolvers();
  private closed = false;

  constructor(private readonly options: NatsMemberOptions) {
    this.keeper = setInterval(() => this.forAll((state) => state.keep()), options.ackWaitMs / 3).unref();
    this.stopHearing = options.link.onInterruption(() => this.forAll((state) => state.noteInterruption()));
  }

  take(partition: number): void {
    this.states.set(partition, new NatsPartition(partition, this.sourceOf(partition)));
  }

  drop(partition: number): void {
    this.states.get(partition)?.drop();
    this.states.delete(partition);
  }

  async fetch({ partitions, max, waitMs }: FetchRequest): Promise<Delivery[]> {
    const ours = partitions.flatMap((partition) => this.states.get(partition) ?? []);
    const each = Math.max(1, Math.floor(max / Math.max(1, ours.length)));
    const until = performance.now() + waitMs;
    for (let leftMs = waitMs; !this.closed; leftMs = until - performance.now()) {
      this.news = Promise.withResolvers();
      this.askThoseWithout(ours, each, Math.max(leftMs, 0));
      if (leftMs <= 0 || ours.some(({ hasNews }) => hasNews)) break;
      await this.untilNews(leftMs);
    }
    const [failure] = ours.flatMap((state) => state.takeFailure() ?? []);
    if (failure) throw failure;
    return ours.filter(({ hasNews }) => hasNews).flatMap((state) => state.handOut(each));
  }

  acknowledge(deliveries: readonly Delivery[]): Promise<void> {
    const [first] = deliveries;
    if (first) this.states.get(first.partition)?.acknowledge(deliveries);
    return Promise.resolve();
  }

  refuse(deliveries: readonly Delivery[]): Promise<void> {
    const [first] = deliveries;
    if (first) this.states.get(first.partition)?.refuse(deliveries);
    return Promise.resolve();
  }

  async bury(delivery: Delivery, story: DeathStory): Promise<void> {
    try {
      // All deliveries that this member gives out are its own.
      await this.options.deadLetters.add(delivery as NatsDelivery, { ...story, member: this.options.member });
    } catch (error) {
      await this.refuse([delivery]);
      throw error;
    }
    await this.acknowledge([delivery]);
  }

  close(): Promise<void> {
    this.closed = true;
    clearInterval(this.keeper);
    this.stopHearing();
    this.news.resolve();
    return Promise.resolve();
  }

  /** Those that have something are not waited for; the others are asked all the same, and looked at the next time. */
  private askThoseWithout(states: NatsPartition[], max: number, waitMs: number): void {
    const { news } = this;
    for (const state of states.filter(({ hasNews }) => !hasNews)) {
      state.onNews = news.resolve;
      void state.ask(max, waitMs).then(news.resolve);
    }
  }

  private async untilNews(ms: number): Promise<void> {
    const timer = setTimeout(this.news.resolve, ms);
    await this.news.promise;
    clearTimeout(timer);
  }

  private forAll(tell: (state: NatsPartition) => void): void {
    for (const state of this.states.values()) tell(state);
  }

  private sourceOf(partition: number): PartitionSource {
    const { stream, group, link } = this.options;
    const name = natsNames.consumer(group, partition);
    const streamName = natsNames.stream(stream);
    let ensured: Promise<void> | undefined;
    const ensure = () => (ensured ??= this.ensureConsumer(partition, name));
    const forget = (error: unknown) => {
      ensured = undefined;
      throw error;
    };
    return {
      consumer: async () => {
        await ensure().catch(forget);
        return (await link.open()).client.consumers.get(streamName, name).catch(forget);
      },
      info: async () => {
        await ensure().catch(forget);
        return (await link.open()).manager.consumers.info(streamName, name).catch(forget);
      },
    };
  }

  /** New groups begin at the stream's beginning: what was published before them is for them too. */
  private async ensureConsumer(partition: number, name: string): Promise<void> {
    const { stream, partitions, ackWaitMs, ensureStream, link } = this.options;
    await ensureStream();
    const { consumers } = (await link.open()).manager;
    const config: Partial<ConsumerConfig> = {
      durable_name: name,
      filter_subject: groupPartitionSubject(this.options, partition, partitions),
      ack_policy: 'explicit',
      ack_wait: ackWaitMs * 1e6,
      deliver_policy: 'all',
      max_deliver: -1,
      max_ack_pending: 1_000,
    };
    await consumers.add(natsNames.stream(stream), config).catch((error: unknown) => {
      if (!consumerNameInUse.some((code) => isApiError(error, code))) throw error;
      return consumers.update(natsNames.stream(stream), name, config);
    });
  }
}
