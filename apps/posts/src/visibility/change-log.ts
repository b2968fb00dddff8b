import { setTimeout as delay } from 'node:timers/promises';
import {
  addToStream,
  StreamTail,
  type Redis,
  type StreamAddition,
  type StreamEntry,
  type TailReader,
} from '@rostrum/data-access';
import { ChangeTimes, placeOfSubject } from './change-times';

/** How far this process had read the log. Later ones are greater. */
export type LogPosition = number;

/** Somebody who keeps things as long as they have not changed. */
export interface ChangeListener {
  onChanged(subject: string): void;
  /** It is not known what has changed until now. */
  onGap(): void;
}

/** Older changes are forgotten, and with them what was made before them. */
const longestLog = 20_000;
/** A Redis that answers, but takes no writes, must not hold changes up for ever. */
const patienceMs = 6_000;
const retryMs = 50;
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
  private readonly times = new ChangeTimes();
  private readonly tail: StreamTail;
  private readonly listeners: ChangeListener[] = [];
  private floor: LogPosition = 0;
  private newest: LogPosition = 0;
  private isTracked = false;
  private isBeginning = false;

  constructor(
    private readonly redis: Redis,
    private readonly key: string,
  ) {
    this.tail = new StreamTail(redis, key, {
      onEntry: (entry) => this.note(entry),
      onGap: (newest) => this.begin(newest),
    });
  }

  listen(listener: ChangeListener): void {
    this.listeners.push(listener);
  }

  /** For whoever adds it along with what it tells of. */
  additionOf(subjects: readonly string[]): StreamAddition {
    return { key: this.key, longest: longestLog, field: 's', value: subjects.join(' ') };
  }

  /** Never rejects: where Redis is away, it waits until nobody believes any more what was made before. */
  async add(subjects: readonly string[]): Promise<void> {
    const giveUpAt = performance.now() + patienceMs;
    for (;;) {
      try {
        return await addToStream(this.redis, this.additionOf(subjects));
      } catch {
        if (this.tail.isGivenUp || performance.now() >= giveUpAt) return;
        await delay(retryMs);
      }
    }
  }

  /**
   * Where the log is as far as it has been read: of what is asked for from here on, `areUnchanged` can say later whether
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

  /** Resolves when all is known that was added before this call, to where that is. Undefined: nothing can be said. */
  catchUp(): Promise<LogPosition | undefined> {
    return new Promise((resolve) => {
      this.tail.ask({
        onCaughtUp: () => resolve(this.position),
        onSilence: () => resolve(undefined),
      });
    });
  }

  /** Whether nothing that stands in these places has changed since, as far as it has been caught up. */
  areUnchanged(since: LogPosition, places: Uint32Array): boolean {
    if (since < this.floor) return false;
    if (since >= this.newest) return true;
    for (const place of places) if (this.times.hasChanged(since, place)) return false;
    return true;
  }

  hasChanged(since: LogPosition, subject: string): boolean {
    return since < this.floor || this.times.hasChanged(since, placeOfSubject(subject));
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
    this.isTracked = newest !== undefined;
    this.newest += 1;
    this.floor = this.newest;
    for (const listener of this.listeners) listener.onGap();
  }

  private note([, fields]: StreamEntry): void {
    this.newest += 1;
    for (const subject of fields[1]?.split(' ') ?? []) {
      this.times.note(placeOfSubject(subject), this.newest);
      for (const listener of this.listeners) listener.onChanged(subject);
    }
  }
}
