import { setTimeout as delay } from 'node:timers/promises';
import { StreamTail, type Redis, type StreamEntry, type TailReader } from '@rostrum/data-access';
import { LRUCache } from 'lru-cache';

/** Where the log was. Later ones are greater as strings. */
export type LogPosition = string;

/** Somebody who keeps things as long as they have not changed. */
export interface ChangeListener {
  onChanged(subject: string): void;
  /** It is not known what has changed until now. */
  onGap(): void;
}

/** Older changes are forgotten, and with them what was made before them. */
const longestLog = 20_000;
const mostRemembered = 100_000;
/** By then every process has noticed that Redis is away, and believes nothing that was made before. */
const patienceMs = 6_000;
const retryMs = 50;
const beginning: LogPosition = '';
/** What an empty log is begun with: of one without an entry it could not be told whether it has lost some. */
const nothing = '-';

/**
 * What has changed lately of all that people are shown: posts, people, and how viewers are to others. Whoever makes a
 * change adds it before the change is acknowledged. Whoever keeps something that is made of many such things reads on
 * before it is served, once for all who ask in one turn of the event loop, and so knows whether it still holds.
 *
 * A stream in Redis, whose ids follow the clock: also of a server that has taken over from another. Where it has a gap,
 * nothing is known of what has changed, and nothing that was made until now holds.
 */
export class ChangeLog {
  /** When each was changed last, as far back as `floor`. */
  private readonly changes: LRUCache<string, LogPosition>;
  private readonly tail: StreamTail;
  private readonly listeners: ChangeListener[] = [];
  private floor = beginning;
  private newest = beginning;
  private isTracked = false;
  private isBeginning = false;

  constructor(
    private readonly redis: Redis,
    private readonly key: string,
  ) {
    this.changes = new LRUCache({
      max: mostRemembered,
      dispose: (position, _subject, reason) => {
        if (reason === 'evict' && position > this.floor) this.floor = position;
      },
    });
    this.tail = new StreamTail(redis, key, {
      onEntry: (entry) => this.note(entry),
      onGap: (newest) => this.begin(newest),
    });
  }

  listen(listener: ChangeListener): void {
    this.listeners.push(listener);
  }

  /** Never rejects: where Redis is away, it waits until nobody believes any more what was made before. */
  async add(subjects: readonly string[]): Promise<void> {
    const giveUpAt = performance.now() + patienceMs;
    for (;;) {
      try {
        await this.redis.xadd(this.key, 'MAXLEN', '~', longestLog, '*', 's', subjects.join(' '));
        return;
      } catch {
        if (performance.now() >= giveUpAt) return;
        await delay(retryMs);
      }
    }
  }

  /**
   * Where the log is as far as it has been read: of what is asked for from here on, `isUnchanged` can say later whether
   * it holds. Undefined: nothing can be said.
   */
  get position(): LogPosition | undefined {
    if (this.isTracked) return this.newest;
    this.track();
    return undefined;
  }

  /** Tells the reader when all is known that was added before this call. */
  ask(reader: TailReader): void {
    this.tail.ask(reader);
  }

  /** Resolves when all is known that was added before this call, to where that is. Rejects when Redis does not answer. */
  catchUp(): Promise<LogPosition> {
    return new Promise((resolve, reject) => {
      this.tail.ask({
        onCaughtUp: () => resolve(this.newest),
        onSilence: () => reject(new Error('Redis does not say what has changed')),
      });
    });
  }

  /** Whether none of these has changed since, as far as it has been caught up. */
  isUnchanged(since: LogPosition, subjects: Iterable<string>): boolean {
    if (since < this.floor) return false;
    if (since >= this.newest) return true;
    for (const subject of subjects) if (this.hasChanged(since, subject)) return false;
    return true;
  }

  hasChanged(since: LogPosition, subject: string): boolean {
    if (since < this.floor) return true;
    const changed = this.changes.get(subject);
    return changed !== undefined && changed > since;
  }

  /** Finds out where the log is; sees to it that there is something to go on from. */
  private track(): void {
    if (this.isBeginning) return;
    this.isBeginning = true;
    const over = () => {
      this.isBeginning = false;
    };
    this.tail.ask({
      onCaughtUp: () => void (this.isTracked ? Promise.resolve() : this.add([nothing])).then(over),
      onSilence: over,
    });
  }

  /** What has changed before is not known. */
  private begin(newest: string | undefined): void {
    this.changes.clear();
    this.isTracked = newest !== undefined;
    this.newest = newest === undefined ? beginning : positionOf(newest);
    this.floor = this.newest;
    for (const listener of this.listeners) listener.onGap();
  }

  private note([id, fields]: StreamEntry): void {
    this.newest = positionOf(id);
    for (const subject of fields[1]?.split(' ') ?? []) {
      this.changes.set(subject, this.newest);
      for (const listener of this.listeners) listener.onChanged(subject);
    }
  }
}

function positionOf(id: string): LogPosition {
  const [time = '', count = ''] = id.split('-');
  return `${time.padStart(15, '0')}-${count.padStart(10, '0')}`;
}
