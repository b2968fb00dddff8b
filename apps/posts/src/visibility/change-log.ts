import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from '@rostrum/data-access';
import { LRUCache } from 'lru-cache';

/** Where the log was. Later ones are greater as strings. */
export type LogPosition = string;

type StreamEntry = [id: string, fields: string[]];

/** Older changes are forgotten, and with them what was made before them. */
const longestLog = 20_000;
const mostRemembered = 100_000;
const entriesAtOnce = 1_000;
/** By then every process has noticed that Redis is away, and believes nothing that was made before. */
const patienceMs = 6_000;
const retryMs = 50;
const beginning: LogPosition = '';

/**
 * What has changed lately of all that people are shown: posts, people, and how viewers are to others. Whoever makes a
 * change adds it before the change is acknowledged. Whoever keeps something that is made of many such things reads on
 * before it is served, once for all who ask in one turn of the event loop, and so knows whether it still holds.
 *
 * A stream in Redis, whose ids follow the clock: also of a server that has taken over from another. It is read from the
 * last entry that is known, that one included; where it is there no more, nothing is known of what came after it, and
 * nothing that was made until now holds.
 */
export class ChangeLog {
  /** When each was changed last, as far back as `floor`. */
  private readonly changes: LRUCache<string, LogPosition>;
  private floor = beginning;
  private newest = beginning;
  private lastId: string | undefined;
  private next: Promise<LogPosition> | undefined;
  private reading: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly redis: Pick<Redis, 'xadd' | 'xrange' | 'xrevrange'>,
    private readonly key: string,
  ) {
    this.changes = new LRUCache({
      max: mostRemembered,
      dispose: (position, _subject, reason) => {
        if (reason === 'evict' && position > this.floor) this.floor = position;
      },
    });
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

  /** Resolves when all is known that was added before this call, to where that is. Rejects when Redis does not answer. */
  catchUp(): Promise<LogPosition> {
    // Requests arrive in I/O callbacks; `setImmediate` runs after all those of this turn.
    this.next ??= new Promise((resolve, reject) => {
      setImmediate(() => {
        this.next = undefined;
        // One after the other, so that each goes on where the one before it has ended.
        const read = this.reading.then(() => this.read());
        this.reading = read.catch(() => undefined);
        read.then(resolve, reject);
      });
    });
    return this.next;
  }

  /** Whether none of these has changed since, as far as it has been caught up. */
  isUnchanged(since: LogPosition, subjects: Iterable<string>): boolean {
    if (since < this.floor) return false;
    if (since >= this.newest) return true;
    for (const subject of subjects) {
      const changed = this.changes.get(subject);
      if (changed !== undefined && changed > since) return false;
    }
    return true;
  }

  private async read(): Promise<LogPosition> {
    const { lastId } = this;
    if (lastId === undefined) return this.begin();
    const entries = await this.redis.xrange(this.key, lastId, '+', 'COUNT', entriesAtOnce);
    if (entries[0]?.[0] !== lastId) return this.begin();
    for (const entry of entries.slice(1)) this.note(entry);
    return entries.length === entriesAtOnce ? this.read() : this.newest;
  }

  /** What has changed before is not known. */
  private async begin(): Promise<LogPosition> {
    const [newest] = await this.redis.xrevrange(this.key, '+', '-', 'COUNT', 1);
    this.changes.clear();
    this.lastId = newest?.[0];
    this.newest = newest ? positionOf(newest[0]) : beginning;
    this.floor = this.newest;
    return this.newest;
  }

  private note([id, fields]: StreamEntry): void {
    this.lastId = id;
    this.newest = positionOf(id);
    for (const subject of fields[1]?.split(' ') ?? []) this.changes.set(subject, this.newest);
  }
}

function positionOf(id: string): LogPosition {
  const [time = '', count = ''] = id.split('-');
  return `${time.padStart(15, '0')}-${count.padStart(10, '0')}`;
}
