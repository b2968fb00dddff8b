import { isAppError } from '@rostrum/errors';
import type { Database } from '../postgres/database';
import { isConnectionError, isError, isSqlError } from '../postgres/sql-state';
import type { Redis } from '../redis/redis';
import { fromFields, type BusEvent } from './bus-event';
import { Inbox, type EventHandlers } from './inbox';
import { StreamReader, type StreamEntry } from './stream-reader';
import { WorkLoop } from './work-loop';

export interface ConsumerHooks {
  /** Runs around each handler: the place for a trace. Must call `handle` and pass its outcome on. */
  around?: (event: BusEvent, handle: () => Promise<void>) => Promise<void>;
  onHandled?: (batch: { count: number; seconds: number }) => void;
  /** A handler rejected; the event is tried again unless it is a dead letter now. */
  onHandlerError?: (failure: { event: BusEvent; deliveries: number; error: unknown }) => void;
  /** An event was set aside; `event` is missing when the entry could not even be read as one. */
  onDeadLetter?: (letter: { entryId: string; event: BusEvent | undefined; error: unknown }) => void;
  /** PostgreSQL or Redis did not answer; it goes on by itself. */
  onError?: (error: unknown) => void;
}

export interface ConsumerOptions {
  redis: Redis;
  database: Database;
  /** The service's schema, which holds the inbox. */
  schema: string;
  stream: string;
  /** Each group is given every event; its members share them. */
  group: string;
  /** Names this member. A name that survives a restart finds at once what it left behind. */
  consumer: string;
  handlers: EventHandlers;
  batchSize?: number;
  /** An event whose handling failed this often becomes a dead letter. */
  maxDeliveries?: number;
  /** Between two tries of one event, doubled with each. */
  retryMs?: number;
  /** Another member's entries are taken over when it has not been heard of for so long. */
  abandonedMs?: number;
  /** How long a read waits for new entries. */
  blockMs?: number;
  /** How long it is remembered that an event has been handled. */
  inboxRetentionMs?: number;
  hooks?: ConsumerHooks;
}

export interface Consumer {
  /** Resolves when the batch under way has been handled. */
  stop(): Promise<void>;
  /** How many events this group has yet to handle. */
  lag(): Promise<number>;
}

const defaults = {
  batchSize: 50,
  maxDeliveries: 5,
  retryMs: 100,
  abandonedMs: 30_000,
  blockMs: 2_000,
  inboxRetentionMs: 7 * 86_400_000,
};
const cleanUpEveryMs = 600_000;

/** Handles a stream's events in order, each once in effect, whatever dies in between. */
export function startConsumer(options: ConsumerOptions): Consumer {
  return new StreamConsumer(options);
}

class StreamConsumer implements Consumer {
  private readonly options: ConsumerOptions & typeof defaults;
  private readonly hooks: ConsumerHooks;
  private readonly reader: StreamReader;
  private readonly inbox: Inbox;
  private readonly loop: WorkLoop;
  /** New entries that have been read and not yet handled: kept while PostgreSQL is away. */
  private batch: StreamEntry[] = [];
  /** Whether this member may hold entries it was given before: those come before any newer one. */
  private leftovers = true;
  private grouped = false;
  private claimAt = 0;
  private cleanUpAt = Date.now() + cleanUpEveryMs;

  constructor(options: ConsumerOptions) {
    this.options = { ...defaults, ...options };
    this.hooks = options.hooks ?? {};
    this.reader = new StreamReader(this.options);
    this.inbox = new Inbox({ ...options, around: this.hooks.around ?? ((_event, handle) => handle()) });
    this.loop = new WorkLoop({ round: () => this.round(), onError: (error) => this.noteError(error) });
  }

  async stop(): Promise<void> {
    const stopped = this.loop.stop();
    this.reader.close();
    await stopped;
  }

  lag(): Promise<number> {
    return this.reader.lag();
  }

  private async round(): Promise<number> {
    if (!this.grouped) await this.reader.ensureGroup();
    this.grouped = true;
    await this.houseKeeping();
    if (this.batch.length > 0) return this.handleBatch();
    if (this.leftovers) return this.handleLeftover();
    // If the answer is lost on its way, its entries count as given to us, and we have never seen them.
    this.leftovers = true;
    this.batch = await this.reader.readNew();
    this.leftovers = false;
    return this.handleBatch();
  }

  private async houseKeeping(): Promise<void> {
    const { abandonedMs, inboxRetentionMs } = this.options;
    const now = Date.now();
    if (now >= this.claimAt) {
      this.claimAt = now + abandonedMs / 2;
      if (await this.reader.claimAbandoned(abandonedMs)) this.leftovers = true;
    }
    if (now >= this.cleanUpAt) {
      this.cleanUpAt = now + cleanUpEveryMs;
      await this.inbox.forgetOlderThan(inboxRetentionMs);
    }
  }

  /** All of the batch in one transaction. If that fails, they are gone through again one by one. */
  private async handleBatch(): Promise<number> {
    const events = this.batch.map((entry) => parse(entry)).filter((event) => event !== undefined);
    const whole = events.length === this.batch.length;
    if (whole && (await this.tryAll(events))) {
      await this.reader.acknowledge(this.batch.map(({ id }) => id));
    } else {
      this.leftovers = true;
    }
    this.batch = [];
    return 0;
  }

  private async tryAll(events: BusEvent[]): Promise<boolean> {
    const started = performance.now();
    try {
      await this.inbox.handle(events);
    } catch (error) {
      if (isPassing(error)) throw error;
      return false;
    }
    if (events.length > 0) {
      this.hooks.onHandled?.({ count: events.length, seconds: (performance.now() - started) / 1000 });
    }
    return true;
  }

  /** Resolves to how long to wait before the same entry is tried again. */
  private async handleLeftover(): Promise<number> {
    // While PostgreSQL is away no entry is read: that would count as a delivery.
    await this.options.database.ping();
    const entry = await this.reader.readLeftover();
    if (!entry) {
      this.leftovers = false;
      return 0;
    }
    const event = parse(entry);
    if (!event) return this.bury(entry, undefined, notDelivered('UNREADABLE', 'The entry is not an event'));
    if (entry.deliveries > this.options.maxDeliveries) {
      return this.bury(entry, event, notDelivered('ABANDONED', 'Whoever handled it never said how it went'));
    }
    const started = performance.now();
    try {
      await this.inbox.handle([event]);
    } catch (error) {
      if (isPassing(error)) throw error;
      return this.noteFailure(entry, event, error);
    }
    await this.reader.acknowledge([entry.id]);
    this.hooks.onHandled?.({ count: 1, seconds: (performance.now() - started) / 1000 });
    return 0;
  }

  private async noteFailure(entry: StreamEntry, event: BusEvent, error: unknown): Promise<number> {
    const { maxDeliveries, retryMs } = this.options;
    this.hooks.onHandlerError?.({ event, deliveries: entry.deliveries, error });
    if (entry.deliveries >= maxDeliveries) return this.bury(entry, event, error);
    return retryMs * 2 ** (entry.deliveries - 1);
  }

  private async bury(entry: StreamEntry, event: BusEvent | undefined, error: unknown): Promise<number> {
    await this.reader.bury(entry, reasonOf(error));
    this.hooks.onDeadLetter?.({ entryId: entry.id, event, error });
    return 0;
  }

  private noteError(error: unknown): void {
    // The group goes with the stream when Redis loses its data.
    if (String(error).includes('NOGROUP')) this.grouped = false;
    if (!this.loop.isStopping) this.hooks.onError?.(error);
  }
}

function parse(entry: StreamEntry): BusEvent | undefined {
  try {
    return fromFields(entry.fields);
  } catch {
    return undefined;
  }
}

/** Something that the handler needs does not answer. That is no fault of the event, and no reason to give it up. */
function isPassing(error: unknown): boolean {
  const cause = isError(error) ? error.cause : undefined;
  const tooSlow = isSqlError(cause) && cause.code === '57014';
  return isConnectionError(error) || (isAppError(error) && error.status === 503 && !tooSlow);
}

function notDelivered(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

/** Enough to tell what went wrong, and nothing of the values that a message may hold. */
function reasonOf(error: unknown): string {
  if (!isError(error)) return typeof error;
  return 'code' in error ? `${error.name} ${String(error.code)}` : error.name;
}
