import { duplicateForBlocking, type Redis } from '../redis/redis';

export interface StreamEntry {
  id: string;
  fields: string[];
  /** How often it has been handed out, this time included. */
  deliveries: number;
}

export interface StreamReaderOptions {
  redis: Redis;
  stream: string;
  group: string;
  consumer: string;
  batchSize: number;
  blockMs: number;
}

type EntryReply = [id: string, fields: string[] | null];
type PendingReply = [id: string, consumer: string, idleMs: number, deliveries: number][];

/** One consumer of one stream, as a member of a group: what Redis is asked, and nothing of what is done with it. */
export class StreamReader {
  private readonly blocking: Redis;

  constructor(private readonly options: StreamReaderOptions) {
    this.blocking = duplicateForBlocking(options.redis);
  }

  /** New members begin at the stream's beginning: what was published before them is for them too. */
  async ensureGroup(): Promise<void> {
    const { redis, stream, group } = this.options;
    try {
      await redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM');
    } catch (error) {
      if (!String(error).includes('BUSYGROUP')) throw error;
    }
  }

  /** Waits for entries that no member has been given yet. */
  async readNew(): Promise<StreamEntry[]> {
    const { stream, group, consumer, batchSize, blockMs } = this.options;
    const reply = await this.blocking.xreadgroup(
      ...(['GROUP', group, consumer, 'COUNT', batchSize, 'BLOCK', blockMs, 'STREAMS', stream, '>'] as const),
    );
    return this.toEntries(reply);
  }

  /**
   * The oldest entry that this consumer was given before and has not acknowledged. One at a time: being read counts as
   * a delivery, and only an entry that is really tried should come nearer to its limit.
   */
  async readLeftover(): Promise<StreamEntry | undefined> {
    const { redis, stream, group, consumer } = this.options;
    const args = ['GROUP', group, consumer, 'COUNT', 1, 'STREAMS', stream, '0'] as const;
    const [entry] = this.toEntries(await redis.xreadgroup(...args));
    if (!entry) return undefined;
    const pending = await redis.xpending(stream, group, entry.id, entry.id, 1, consumer);
    return { ...entry, deliveries: (pending as PendingReply)[0]?.[3] ?? 1 };
  }

  /** Takes over what any member has held for too long without a word. Resolves to whether there was anything. */
  async claimAbandoned(idleMs: number): Promise<boolean> {
    const { redis, stream, group, consumer, batchSize } = this.options;
    const args = [stream, group, consumer, idleMs, '0', 'COUNT', batchSize, 'JUSTID'] as const;
    const reply = (await redis.xautoclaim(...args)) as [string, string[]];
    return reply[1].length > 0;
  }

  async acknowledge(ids: string[]): Promise<void> {
    const { redis, stream, group } = this.options;
    if (ids.length > 0) await redis.xack(stream, group, ...ids);
  }

  /** Sets an entry aside for people to look at, then takes it off the group's hands. */
  async bury(entry: StreamEntry, reason: string): Promise<void> {
    const { redis, stream, group, consumer } = this.options;
    const story = [
      ...['entryId', entry.id, 'group', group, 'consumer', consumer, 'reason', reason],
      ...['deliveries', String(entry.deliveries), 'buriedAt', new Date().toISOString()],
    ];
    await redis.xadd(deadLetterStream(stream), '*', ...entry.fields, ...story);
    await this.acknowledge([entry.id]);
  }

  /** Entries that the group has not dealt with: not yet given out, and given out but not acknowledged. */
  async lag(): Promise<number> {
    const { redis, stream, group } = this.options;
    if (!(await redis.exists(stream))) return 0;
    const groups = (await redis.xinfo('GROUPS', stream)) as unknown[][];
    const field = (info: unknown[], name: string) => Number(info[info.indexOf(name) + 1] ?? 0);
    const own = groups.find((info) => info[info.indexOf('name') + 1] === group);
    return own ? field(own, 'lag') + field(own, 'pending') : redis.xlen(stream);
  }

  /** Ends a wait that is under way. */
  close(): void {
    this.blocking.disconnect();
  }

  private toEntries(reply: unknown): StreamEntry[] {
    const [streamReply] = (reply ?? []) as [stream: string, entries: EntryReply[]][];
    // An entry that was trimmed while it waited has no fields any more.
    return (streamReply?.[1] ?? []).map(([id, fields]) => ({ id, fields: fields ?? [], deliveries: 1 }));
  }
}

export function deadLetterStream(stream: string): string {
  return `${stream}:dead`;
}
