import type { Database } from '../postgres/database';
import type { BusEvent } from './bus-event';
import type { EventBus, GroupMember } from './event-bus';
import { Inbox, type EventHandlers } from './inbox';
import { Leases, type Lease } from './leases';
import { PartitionWork, type WorkParts } from './partition-work';
import { WorkLoop } from './work-loop';

export interface ConsumerHooks {
  /** Runs around each handler: the place for a trace. Must call `handle` and pass its outcome on. */
  around?: (event: BusEvent, handle: () => Promise<void>) => Promise<void>;
  onHandled?: (batch: { count: number; seconds: number }) => void;
  /** A handler rejected; the event is tried again unless it is a dead letter now. */
  onHandlerError?: (failure: { event: BusEvent; attempts: number; error: unknown }) => void;
  /** An event was set aside; `event` is missing when the entry could not even be read as one. */
  onDeadLetter?: (letter: { position: string; event: BusEvent | undefined; error: unknown }) => void;
  /** How many partitions this member has now. */
  onPartitions?: (count: number) => void;
  /** PostgreSQL or the bus did not answer; it goes on by itself. */
  onError?: (error: unknown) => void;
}

export interface ConsumerOptions {
  bus: EventBus;
  database: Database;
  /** The service's schema, which holds the inbox and the leases. */
  schema: string;
  stream: string;
  /** Each group is given every event; its members share them. */
  group: string;
  /** Names this member. A name that survives a restart finds at once what it left behind. */
  member: string;
  handlers: EventHandlers;
  /** Events taken from the bus at once. */
  batchSize?: number;
  /** An event whose handling failed this often becomes a dead letter. */
  maxAttempts?: number;
  /** Between two tries of one event, doubled with each. */
  retryMs?: number;
  /** The longest that one event may be handled. */
  handlerTimeoutMs?: number;
  /** An event is tried no more than this long while something that its handler needs is away. PostgreSQL is waited for. */
  patienceMs?: number;
  /** Another member's partitions are taken over when it has not been heard of for so long. */
  leaseMs?: number;
  /** How long a read waits for new events. */
  blockMs?: number;
  /** How long it is remembered that an event has been handled. */
  inboxRetentionMs?: number;
  hooks?: ConsumerHooks;
}

export interface Consumer {
  /** Resolves when the events under way have been handled. */
  stop(): Promise<void>;
  /** How many events this group has yet to handle. */
  lag(): Promise<number>;
}

const defaults = {
  batchSize: 100,
  maxAttempts: 5,
  retryMs: 200,
  handlerTimeoutMs: 30_000,
  patienceMs: 900_000,
  leaseMs: 10_000,
  blockMs: 2_000,
  inboxRetentionMs: 7 * 86_400_000,
};
const cleanUpEveryMs = 600_000;
/** Partitions handled side by side: each takes a connection to PostgreSQL. */
const parallel = 4;

/**
 * Handles a stream's events, each once in effect and those of one key in their order, whatever dies in between. Any
 * number of members may share the work: each handles the partitions that it holds the lease of.
 */
export function startConsumer(options: ConsumerOptions): Consumer {
  return new GroupConsumer(options);
}

class GroupConsumer implements Consumer {
  private readonly options: ConsumerOptions & typeof defaults;
  private readonly hooks: ConsumerHooks;
  private readonly member: GroupMember;
  private readonly inbox: Inbox;
  private readonly leases: Leases;
  private readonly loop: WorkLoop;
  private readonly works = new Map<number, PartitionWork>();
  private cleanUpAt = performance.now() + cleanUpEveryMs;

  constructor(options: ConsumerOptions) {
    this.options = { ...defaults, ...options };
    const { bus, stream, group, member, leaseMs } = this.options;
    this.hooks = options.hooks ?? {};
    this.member = bus.join({ stream, group, member });
    this.inbox = new Inbox({
      ...this.options,
      around: this.hooks.around ?? ((_event, handle) => handle()),
    });
    this.leases = new Leases({
      ...this.options,
      partitions: bus.partitions,
      ttlMs: leaseMs,
      onTaken: (lease) => this.begin(lease),
      onLost: (partition) => this.end(partition),
      onError: (error) => this.noteError(error),
    });
    this.loop = new WorkLoop({ round: () => this.round(), onError: (error) => this.noteError(error) });
  }

  async stop(): Promise<void> {
    const stopped = this.loop.stop();
    await this.member.close();
    await stopped;
    await this.leases.stop();
  }

  lag(): Promise<number> {
    return this.options.bus.lag(this.options.stream, this.options.group);
  }

  private begin(lease: Lease): void {
    this.member.take(lease.partition);
    this.works.set(lease.partition, new PartitionWork(this.parts(), lease));
    this.hooks.onPartitions?.(this.works.size);
    this.loop.wake();
  }

  private end(partition: number): void {
    this.member.drop(partition);
    this.works.delete(partition);
    this.hooks.onPartitions?.(this.works.size);
  }

  private parts(): WorkParts {
    const { inbox, leases, member, hooks } = this;
    return { inbox, leases, member, hooks, limits: this.options, onError: (error) => this.noteError(error) };
  }

  /** Resolves to how long nothing is to be done. */
  private async round(): Promise<number> {
    await this.cleanUp();
    const now = performance.now();
    const due = [...this.works.values()].filter(({ notBefore }) => notBefore <= now);
    const waiting = due.filter(({ isEmpty }) => isEmpty);
    if (waiting.length > 0) await this.fetch(waiting, due.length > waiting.length ? 0 : this.restMs(now));
    await inParallel(
      due.filter(({ isEmpty }) => !isEmpty),
      (work) => work.handle(),
    );
    return due.length > 0 ? 0 : this.restMs(now);
  }

  private async fetch(works: PartitionWork[], waitMs: number): Promise<void> {
    const deliveries = await this.member.fetch({
      partitions: works.map(({ partition }) => partition),
      max: this.options.batchSize,
      waitMs,
    });
    for (const work of works)
      work.receive(deliveries.filter(({ partition }) => partition === work.partition));
  }

  /** Until a partition that rests is due, or until it is time to look whether there are others. */
  private restMs(now: number): number {
    const due = [...this.works.values()].map(({ notBefore }) => notBefore - now).filter((ms) => ms > 0);
    return Math.min(this.options.blockMs, ...due);
  }

  private async cleanUp(): Promise<void> {
    if (performance.now() < this.cleanUpAt) return;
    this.cleanUpAt = performance.now() + cleanUpEveryMs;
    await this.inbox.forgetOlderThan(this.options.inboxRetentionMs);
    await this.leases.forgetMembers();
  }

  private noteError(error: unknown): void {
    // A wait that is cut short because we stop is no error.
    if (!this.loop.isStopping) this.hooks.onError?.(error);
  }
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const worker = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(parallel, items.length) }, worker));
}
