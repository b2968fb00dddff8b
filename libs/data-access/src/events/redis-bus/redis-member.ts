import { duplicateForBlocking, type Redis } from '../../redis/redis';
import { tryFromFields } from '../bus-event';
import type { DeathStory, Delivery, FetchRequest, GroupMember, Membership } from '../event-bus';
import { groupPartitionKey, redisKeys } from './keys';
import { burialNote } from './redis-dead-letters';
import { removeConsumerScript } from './scripts';
import { isMissingGroup } from './stream-info';

export interface RedisMemberOptions extends Membership {
  redis: Redis;
  partitions: number;
}

type EntryReply = [id: string, fields: string[] | null];
type StreamReply = [key: string, entries: EntryReply[]];
type PendingReply = [id: string, member: string, idleMs: number, deliveries: number][];
type ConsumerInfo = unknown[];

/** A delivery with what lies in the stream, which a dead letter keeps. */
interface RedisDelivery extends Delivery {
  fields: string[];
}

/**
 * What we know of a partition of ours. `taken`: others may hold some of its entries. `leftovers`: all that anybody
 * holds is ours, and there may be some that we are not at work on. `clean`: nobody holds any but those in our hands.
 */
interface PartitionState {
  phase: 'taken' | 'leftovers' | 'clean';
  inHand: Set<string>;
}

const claimedAtOnce = 100;
/** How often we look whether entries lie with somebody who is no longer the owner. */
const sweepMs = 5_000;
/** A name that nobody has used for so long is taken off the books. */
const forgottenMs = 3_600_000;
const forgetEveryMs = 600_000;

/**
 * A consumer of a group on the streams of its partitions. A member that has lost a partition, and does not know it yet,
 * may still be given entries of it; it cannot handle them, and the owner would never see them. So before anything that
 * is new is handled, the owner looks whether the group holds anything older that is not in its hands.
 */
export class RedisMember implements GroupMember {
  private readonly redis: Redis;
  private readonly blocking: Redis;
  private readonly states = new Map<number, PartitionState>();
  private sweepAt = performance.now() + sweepMs;
  private forgetAt = performance.now() + forgetEveryMs;

  constructor(private readonly options: RedisMemberOptions) {
    this.redis = options.redis;
    this.blocking = duplicateForBlocking(options.redis);
  }

  take(partition: number): void {
    this.states.set(partition, { phase: 'taken', inHand: new Set() });
  }

  drop(partition: number): void {
    this.states.delete(partition);
  }

  async fetch({ partitions, max, waitMs }: FetchRequest): Promise<Delivery[]> {
    try {
      await this.sweep();
      const ours = partitions.filter((partition) => this.states.has(partition));
      const isClean = (partition: number) => this.states.get(partition)?.phase === 'clean';
      const oldest = await Promise.all(
        ours.filter((partition) => !isClean(partition)).map((partition) => this.oldestHeld(partition)),
      );
      const found = oldest.filter((delivery) => delivery !== undefined);
      const clean = ours.filter((partition) => isClean(partition));
      if (clean.length === 0) return found;
      return [...found, ...(await this.readNew(clean, { max, waitMs: found.length > 0 ? 0 : waitMs }))];
    } catch (error) {
      // What was read before the failure is in nobody's hands.
      for (const partition of partitions) this.loseHold(partition);
      // The groups go with their streams when Redis loses its data.
      if (isMissingGroup(error)) this.enter([...this.states.keys()], 'taken');
      throw error;
    }
  }

  async acknowledge(deliveries: readonly Delivery[]): Promise<void> {
    const [first] = deliveries;
    if (!first) return;
    await this.settle(deliveries, () =>
      this.redis.xack(this.key(first.partition), this.options.group, ...deliveries.map((d) => d.position)),
    );
  }

  refuse([first]: readonly Delivery[]): Promise<void> {
    if (first) this.loseHold(first.partition);
    return Promise.resolve();
  }

  async bury(delivery: Delivery, story: DeathStory): Promise<void> {
    const { stream, group, member } = this.options;
    const { partition, position } = delivery;
    // All deliveries that this member gives out are its own.
    const { fields } = delivery as RedisDelivery;
    await this.settle([delivery], async () => {
      const replies = await this.redis
        .multi()
        .xadd(
          redisKeys.deadLetters(stream, group),
          '*',
          ...fields,
          ...['story', burialNote(delivery, member, story)],
        )
        .xack(this.key(partition), group, position)
        .exec();
      const failed = replies?.find(([error]) => error !== null);
      if (!replies || failed) throw failed?.[0] ?? new Error('Redis refused a dead letter');
    });
  }

  close(): Promise<void> {
    this.blocking.disconnect();
    return Promise.resolve();
  }

  /** Whatever becomes of the command, the entries are out of our hands; if it failed, they come again. */
  private async settle(deliveries: readonly Delivery[], command: () => Promise<unknown>): Promise<void> {
    try {
      await command();
    } catch (error) {
      await this.refuse(deliveries);
      throw error;
    }
    for (const { partition, position } of deliveries) this.states.get(partition)?.inHand.delete(position);
  }

  /** The oldest entry that the group holds. One at a time, and what others hold of the partition first becomes ours. */
  private async oldestHeld(partition: number): Promise<Delivery | undefined> {
    const state = this.states.get(partition);
    if (!state) return undefined;
    if (state.phase === 'taken') {
      await this.ensureGroup(partition);
      await this.claimAll(partition);
      state.phase = 'leftovers';
    }
    const { group, member } = this.options;
    const args = ['GROUP', group, member, 'COUNT', 1, 'STREAMS', this.key(partition), '0'] as const;
    const [reply] = ((await this.redis.xreadgroup(...args)) ?? []) as StreamReply[];
    const entry = reply?.[1][0];
    if (entry) return this.handOut(partition, entry, true);
    state.phase = 'clean';
    return undefined;
  }

  /** New groups begin at the stream's beginning: what was published before them is for them too. */
  private async ensureGroup(partition: number): Promise<void> {
    try {
      await this.redis.xgroup('CREATE', this.key(partition), this.options.group, '0', 'MKSTREAM');
    } catch (error) {
      if (!String(error).includes('BUSYGROUP')) throw error;
    }
  }

  private async claimAll(partition: number): Promise<void> {
    const { group, member } = this.options;
    let cursor = '0';
    do {
      const args = [this.key(partition), group, member, 0, cursor, 'COUNT', claimedAtOnce, 'JUSTID'] as const;
      [cursor] = (await this.redis.xautoclaim(...args)) as [string];
    } while (cursor !== '0-0');
  }

  private async readNew(
    partitions: number[],
    { max, waitMs }: Pick<FetchRequest, 'max' | 'waitMs'>,
  ): Promise<Delivery[]> {
    const { group, member } = this.options;
    const keys = partitions.map((partition) => this.key(partition));
    // If the answer is lost on its way, its entries count as given to us, and we have never seen them.
    this.enter(partitions, 'leftovers');
    const replies = (await this.blocking.xreadgroup(
      ...(['GROUP', group, member, 'COUNT', Math.max(1, Math.floor(max / partitions.length))] as const),
      // Zero would be for ever.
      ...((waitMs > 0 ? ['BLOCK', Math.ceil(waitMs)] : []) as ['BLOCK', number]),
      'STREAMS',
      ...keys,
      ...keys.map(() => '>'),
    )) as StreamReply[] | null;
    this.enter(partitions, 'clean');
    const found = (replies ?? []).map(([key, entries]) => ({
      partition: partitions[keys.indexOf(key)] ?? -1,
      entries,
    }));
    return (await Promise.all(found.map((each) => this.unlessOlderIsHeld(each)))).flat();
  }

  /** What was in our hands is to be asked for again. */
  private loseHold(partition: number): void {
    const state = this.states.get(partition);
    state?.inHand.clear();
    if (state?.phase === 'clean') state.phase = 'leftovers';
  }

  private enter(partitions: number[], phase: PartitionState['phase']): void {
    for (const partition of partitions) {
      const state = this.states.get(partition);
      if (state) state.phase = phase;
    }
  }

  private async unlessOlderIsHeld({ partition, entries }: { partition: number; entries: EntryReply[] }) {
    const state = this.states.get(partition);
    const [first] = entries;
    if (!state || !first) return [];
    state.phase = 'taken';
    const args = [this.key(partition), this.options.group, '-', '+', 1] as const;
    const [oldest] = (await this.redis.xpending(...args)) as PendingReply;
    if (oldest?.[0] !== first[0]) return [];
    state.phase = 'clean';
    return entries.map((entry) => this.handOut(partition, entry, false));
  }

  private handOut(partition: number, [position, fields]: EntryReply, seenBefore: boolean): RedisDelivery {
    this.states.get(partition)?.inHand.add(position);
    // An entry that somebody has removed while it was held has no fields any more.
    const own = fields ?? [];
    return { partition, position, event: tryFromFields(own), seenBefore, fields: own };
  }

  /** Entries that a former owner was given after we took over lie with it until somebody looks. */
  private async sweep(): Promise<void> {
    const now = performance.now();
    if (now < this.sweepAt) return;
    this.sweepAt = now + sweepMs;
    const forget = now >= this.forgetAt;
    if (forget) this.forgetAt = now + forgetEveryMs;
    for (const [partition, state] of this.states) {
      if (state.phase !== 'clean' || state.inHand.size > 0) continue;
      const args = [this.key(partition), this.options.group, '-', '+', 1] as const;
      const [oldest] = (await this.redis.xpending(...args)) as PendingReply;
      if (oldest) state.phase = 'taken';
      if (forget) await this.forgetOldNames(partition);
    }
  }

  private async forgetOldNames(partition: number): Promise<void> {
    const { group, member } = this.options;
    const key = this.key(partition);
    const consumers = (await this.redis.xinfo('CONSUMERS', key, group)) as ConsumerInfo[];
    const field = (info: ConsumerInfo, name: string) => info[info.indexOf(name) + 1];
    for (const info of consumers) {
      const name = String(field(info, 'name'));
      if (name === member || Number(field(info, 'idle')) < forgottenMs) continue;
      await this.redis.eval(removeConsumerScript, 1, key, group, name);
    }
  }

  private key(partition: number): string {
    return groupPartitionKey(this.options, partition, this.options.partitions);
  }
}
