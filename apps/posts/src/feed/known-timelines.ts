import { LRUCache } from 'lru-cache';
import type { ChangeLog, LogPosition } from '../visibility/change-log';
import type { Timeline } from './timeline';

interface Known {
  timeline: Timeline;
  /** Until when it is known that nothing has. */
  position: LogPosition;
  readAt: number;
}

const mostBytes = 48 * 1024 * 1024;
/** Of objects, and of what is read from a timeline and kept with it. */
const overheadBytes = 4_000;
/** A change whose process dies before it is acknowledged comes to the log with its event. */
const longestMs = 300_000;

/** Timelines as this process has read them last. */
export class KnownTimelines {
  private readonly known = new LRUCache<string, Known>({
    maxSize: mostBytes,
    sizeCalculation: ({ timeline: { bytes, places } }) => overheadBytes + bytes + places.byteLength,
  });

  constructor(private readonly log: Pick<ChangeLog, 'areUnchanged'>) {}

  /** One that is as it is now, where `now` is until where the log of changes has been read. */
  current(key: string, now: LogPosition): Timeline | undefined {
    const known = this.known.get(key);
    if (!known || performance.now() - known.readAt > longestMs) return undefined;
    if (!this.log.areUnchanged(known.position, known.timeline.places)) return undefined;
    known.position = now;
    return known.timeline;
  }

  /** One that was made of the same bytes: to compare them takes less than to read ids from them again. */
  madeOf(key: string, packed: Buffer): Timeline | undefined {
    const timeline = this.known.get(key)?.timeline;
    return timeline?.isOf(packed) ? timeline : undefined;
  }

  /** `asked`: until where the log had been read before the timeline was asked for. */
  keep(key: string, timeline: Timeline, asked: LogPosition): void {
    this.known.set(key, { timeline, position: asked, readAt: performance.now() });
  }
}
