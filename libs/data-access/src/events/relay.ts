import { isAppError } from '@rostrum/errors';
import type { Database } from '../postgres/database';
import type { Transaction } from '../postgres/transaction';
import type { SerializedEvent } from './bus-event';
import type { EventBus } from './event-bus';
import { outboxChannel } from './outbox';
import { OutboxRows } from './outbox-rows';
import { WorkLoop } from './work-loop';

export interface RelayHooks {
  onPublished?: (batch: { count: number; seconds: number }) => void;
  /** The bus has lost these after it had acknowledged them; they are published anew. */
  onRestored?: (restored: { count: number }) => void;
  onError?: (error: unknown) => void;
}

export interface RelayOptions {
  database: Database;
  bus: EventBus;
  /** The service's schema, which holds the outbox. */
  schema: string;
  stream: string;
  batchSize?: number;
  /** How often it looks by itself, beside being woken. */
  pollMs?: number;
  /**
   * How long published events are kept at least, to make good what the bus loses in a crash: longer than it may take
   * from the bus's acknowledgement until no crash and no fail-over can undo it.
   */
  retentionMs?: number;
  /** Events that some group has not handled are kept for longer, but not for more than this. */
  longestRetentionMs?: number;
  /** By how much the clocks of PostgreSQL, the bus and this process may differ. */
  clockSkewMs?: number;
  cleanUpEveryMs?: number;
  hooks?: RelayHooks;
}

export interface Relay {
  /** Resolves when the batch under way has been published. */
  stop(): Promise<void>;
  /** The events that wait to be published. */
  backlog(): Promise<Backlog>;
}

export interface Backlog {
  count: number;
  /** The age of the oldest; 0 where there is none. */
  oldestSeconds: number;
}

const defaults = {
  batchSize: 200,
  pollMs: 1_000,
  retentionMs: 600_000,
  longestRetentionMs: 3 * 86_400_000,
  clockSkewMs: 60_000,
  cleanUpEveryMs: 60_000,
};
const lookAtOnce = 1_000;

/**
 * Publishes what waits in the outbox, oldest first, at least once. Any number of relays may run: a lock lets one at a
 * time work, so that the order holds, and the others stand by.
 */
export function startRelay(options: RelayOptions): Relay {
  return new OutboxRelay(options);
}

class OutboxRelay implements Relay {
  private readonly options: RelayOptions & typeof defaults;
  private readonly hooks: RelayHooks;
  private readonly rows: OutboxRows;
  private readonly loop: WorkLoop;
  private readonly listener: { stop(): Promise<void> };
  private readonly stopHearing: () => void;
  private mayHaveLost = true;
  private cleanUpAt: number;

  constructor(options: RelayOptions) {
    this.options = { ...defaults, ...options };
    this.cleanUpAt = performance.now() + this.options.cleanUpEveryMs;
    const { database, bus, schema, hooks = {} } = options;
    this.hooks = hooks;
    this.rows = new OutboxRows(schema);
    this.stopHearing = bus.onInterruption(() => (this.mayHaveLost = true));
    this.loop = new WorkLoop({
      round: () => this.round(),
      onError: (error) => this.noteError(error),
    });
    this.listener = database.listen(outboxChannel(schema), () => this.loop.wake());
  }

  async stop(): Promise<void> {
    this.stopHearing();
    await Promise.all([this.listener.stop(), this.loop.stop()]);
  }

  backlog(): Promise<Backlog> {
    return this.rows.backlog(this.options.database);
  }

  private async round(): Promise<number> {
    const { pollMs } = this.options;
    if (this.mayHaveLost && !(await this.makeGoodLosses())) return pollMs;
    if (performance.now() >= this.cleanUpAt) await this.cleanUp();
    const started = performance.now();
    const count = (await this.whileLocked((trx) => this.publishWaiting(trx))) ?? 0;
    if (count > 0) this.hooks.onPublished?.({ count, seconds: (performance.now() - started) / 1000 });
    return count > 0 || this.mayHaveLost ? 0 : pollMs;
  }

  private noteError(error: unknown): void {
    if (isAppError(error) && error.code === 'EVENT_STREAM_FULL') this.cleanUpAt = 0;
    this.hooks.onError?.(error);
  }

  /** Undefined where another relay has the lock. A relay that dies lets go of it with its connection. */
  private whileLocked<T>(work: (trx: Transaction) => Promise<T>): Promise<T | undefined> {
    return this.options.database.transaction(async (trx) =>
      (await this.rows.lock(trx)) ? work(trx) : undefined,
    );
  }

  private async publishWaiting(trx: Transaction): Promise<number> {
    const { bus, stream, batchSize } = this.options;
    const waiting = await this.rows.waiting(trx, batchSize);
    // What has been lost since we looked has to be in the stream before these.
    if (waiting.length === 0 || this.mayHaveLost) return 0;
    const events: SerializedEvent[] = waiting.map(({ event }) => event);
    const receipts = await bus.publish(stream, events);
    await this.rows.notePublished(
      trx,
      waiting.map(({ position }, index) => ({ position, receipt: receipts[index] ?? '' })),
    );
    return waiting.length;
  }

  /** Resolves to whether this relay had the lock to do so. */
  private async makeGoodLosses(): Promise<boolean> {
    // A loss while we look is one to look for again.
    this.mayHaveLost = false;
    try {
      const count = await this.whileLocked((trx) => this.restoreLost(trx));
      if (count === undefined) this.mayHaveLost = true;
      else if (count > 0) this.hooks.onRestored?.({ count });
      return count !== undefined;
    } catch (error) {
      this.mayHaveLost = true;
      throw error;
    }
  }

  /**
   * A bus that crashes, or fails over, may forget what it had acknowledged. All that we still have and it has not is
   * put back to wait. Its consumers know what they have handled, so that one too many does no harm.
   */
  private async restoreLost(trx: Transaction): Promise<number> {
    const { bus, stream } = this.options;
    let restored = 0;
    for (let after: string | undefined = '0'; after !== undefined;) {
      const published = await this.rows.published(trx, after, lookAtOnce);
      const missing = await bus.findMissing(stream, published);
      if (missing.length > 0) {
        await this.rows.putBack(
          trx,
          missing.map(({ position }) => position),
        );
      }
      restored += missing.length;
      after = published.at(-1)?.position;
    }
    return restored;
  }

  /** Events leave the outbox when every group is through with them and the bus cannot forget that it had them. */
  private async cleanUp(): Promise<void> {
    const { database, bus, stream, retentionMs, longestRetentionMs, clockSkewMs } = this.options;
    this.cleanUpAt = performance.now() + this.options.cleanUpEveryMs;
    const now = Date.now();
    const unhandled = (await bus.oldestUnacknowledged(stream))?.getTime() ?? now;
    const needed = Math.max(unhandled - clockSkewMs, now - longestRetentionMs);
    const before = Math.min(now - retentionMs, needed);
    await this.rows.removePublishedBefore(database, now - before);
    // What leaves the stream has left the outbox before, so that it does not look lost.
    await bus.trim(stream, new Date(before - clockSkewMs));
  }
}
