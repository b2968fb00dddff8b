import { pingRedis, type Redis } from '../../redis/redis';
import { toFields, type SerializedEvent } from '../bus-event';
import type { DeadLetters, EventBus, GroupMember, Membership, PublishedEvent } from '../event-bus';
import { eventErrors } from '../events.errors';
import { defaultPartitions, parseReceipt, partitionOf, receiptOf } from '../partitions';
import { groupPartitionKey, redisKeys } from './keys';
import { RedisDeadLetters } from './redis-dead-letters';
import { RedisMember } from './redis-member';
import { missingScript, oldestUnacknowledgedScript, removeConsumerScript, trimScript } from './scripts';
import { entryTime, isMissingStream, lagOf, type GroupInfo } from './stream-info';

export interface RedisBusOptions {
  redis: Redis;
  partitions?: number;
  /** A stream that holds so many events takes no more until its groups are through with some: they wait in outboxes. */
  maxLength?: number;
}

const idsPerLook = 500;
/** Trimming is done in steps, as Redis does nothing else meanwhile. */
const trimStep = 10_000;

/** Redis Streams, one for each partition. */
export function createRedisBus(options: RedisBusOptions): EventBus {
  return new RedisBus(options);
}

class RedisBus implements EventBus {
  readonly partitions: number;
  private readonly redis: Redis;
  private readonly maxPerPartition: number;
  /** As we last knew them. */
  private readonly lengths = new Map<string, number>();
  private interruptions = 0;

  constructor({ redis, partitions = defaultPartitions, maxLength = 1_000_000 }: RedisBusOptions) {
    this.redis = redis;
    this.partitions = partitions;
    this.maxPerPartition = Math.ceil(maxLength / partitions);
    this.onInterruption(() => (this.interruptions += 1));
  }

  /** All or none: with some refused and some not, the order would be lost. */
  async publish(stream: string, events: readonly SerializedEvent[]): Promise<string[]> {
    const counts = new Map<number, number>();
    const placed = events.map((event) => ({ event, partition: partitionOf(event.key, this.partitions) }));
    for (const { partition } of placed) counts.set(partition, (counts.get(partition) ?? 0) + 1);
    const { interruptions } = this;
    await this.assertRoom(stream, counts);
    // Our caller decided to publish while another connection stood, and may have something else to make good first.
    if (interruptions !== this.interruptions) throw new Error('The connection to Redis was lost');
    const batch = this.redis.multi();
    for (const { event, partition } of placed) {
      batch.xadd(redisKeys.partition(stream, partition), '*', ...toFields(event));
    }
    for (const partition of counts.keys()) batch.xlen(redisKeys.partition(stream, partition));
    const replies = (await batch.exec())?.map(([error, reply]) => {
      if (error) throw error;
      return String(reply);
    });
    if (!replies) throw new Error(`Redis refused a batch of ${events.length} events`);
    [...counts.keys()].forEach((partition, index) =>
      this.lengths.set(redisKeys.partition(stream, partition), Number(replies[events.length + index])),
    );
    return placed.map(({ partition }, index) => receiptOf(partition, replies[index] ?? ''));
  }

  async findMissing<Event extends PublishedEvent>(
    stream: string,
    published: readonly Event[],
  ): Promise<Event[]> {
    const asked = published.map((event) => ({ event, place: parseReceipt(event.receipt) }));
    const looks = Array.from({ length: this.partitions }, async (_, partition) => {
      const ids = asked.flatMap(({ place }) => (place?.partition === partition ? [place.position] : []));
      const missing: string[] = [];
      for (let from = 0; from < ids.length; from += idsPerLook) {
        const some = ids.slice(from, from + idsPerLook);
        const key = redisKeys.partition(stream, partition);
        missing.push(...((await this.redis.eval(missingScript, 1, key, ...some)) as string[]));
      }
      return missing.map((id) => receiptOf(partition, id));
    });
    const missing = new Set((await Promise.all(looks)).flat());
    // A receipt of another kind tells of a stream that nobody reads any more.
    return asked
      .filter(
        ({ event, place }) => !place || place.partition >= this.partitions || missing.has(event.receipt),
      )
      .map(({ event }) => event);
  }

  onInterruption(listener: () => void): () => void {
    // A cluster's client speaks of its nodes instead.
    const events = ['close', 'node error', '-node'] as const;
    for (const event of events) this.redis.on(event, listener);
    return () => events.forEach((event) => this.redis.off(event, listener));
  }

  async oldestUnacknowledged(stream: string): Promise<Date | undefined> {
    const ids = await this.ofEachPartition(stream, (key) =>
      this.redis.eval(oldestUnacknowledgedScript, 1, key),
    );
    const times = ids.flatMap((id) => (typeof id === 'string' ? [entryTime(id)] : []));
    return times.length > 0 ? new Date(Math.min(...times)) : undefined;
  }

  async trim(stream: string, before: Date): Promise<void> {
    const limit = `${before.getTime()}-0`;
    await this.ofEachPartition(stream, async (key) => {
      while (Number(await this.redis.eval(trimScript, 1, key, limit, trimStep)) >= trimStep);
    });
  }

  join(membership: Membership): GroupMember {
    return new RedisMember({ ...membership, redis: this.redis, partitions: this.partitions });
  }

  async lag(stream: string, group: string): Promise<number> {
    const lags = await Promise.all(
      this.groupKeys(stream, group).map(async (key) => {
        const groups = await this.redis.xinfo('GROUPS', key).catch((error: unknown) => {
          if (isMissingStream(error)) return [];
          throw error;
        });
        return lagOf(this.redis, { key, group, groups: groups as GroupInfo[] });
      }),
    );
    return lags.reduce((sum, each) => sum + each, 0);
  }

  deadLetters(stream: string, group: string): DeadLetters {
    return new RedisDeadLetters(this.redis, {
      letters: redisKeys.deadLetters(stream, group),
      replays: redisKeys.replays(stream, group),
    });
  }

  async removeMember(stream: string, group: string, member: string): Promise<void> {
    for (const key of this.groupKeys(stream, group)) {
      const held = Number(await this.redis.eval(removeConsumerScript, 1, key, group, member));
      if (held > 0) throw eventErrors.memberHoldsEvents(member);
    }
  }

  ping(): Promise<void> {
    return pingRedis(this.redis);
  }

  /** The client belongs to whoever made it. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  private async assertRoom(stream: string, counts: Map<number, number>): Promise<void> {
    for (const [partition, count] of counts) {
      const key = redisKeys.partition(stream, partition);
      if ((this.lengths.get(key) ?? 0) + count <= this.maxPerPartition) continue;
      const length = await this.redis.xlen(key);
      this.lengths.set(key, length);
      if (length + count > this.maxPerPartition) throw eventErrors.streamIsFull(stream);
    }
  }

  private ofEachPartition<T>(stream: string, ask: (key: string) => Promise<T>): Promise<T[]> {
    return Promise.all(
      Array.from({ length: this.partitions }, (_, partition) => ask(redisKeys.partition(stream, partition))),
    );
  }

  private groupKeys(stream: string, group: string): string[] {
    const { partitions } = this;
    return Array.from({ length: partitions + 1 }, (_, partition) =>
      groupPartitionKey({ stream, group }, partition, partitions),
    );
  }
}
