import { lowestId, toRawId, type HomeEntry, type RawId, type Timeline } from './timeline';

/** Places of one timeline, newest first, and how far they have been read. */
interface Run {
  timeline: Timeline;
  places: readonly number[];
  next: number;
  /** Of the place that is next; '' at the end, which is below all others. */
  head: RawId;
}

/** What a viewer's own timeline and those of pulled authors make together. */
export class MergedTimeline {
  private readonly floor: RawId;

  constructor(private readonly timelines: readonly [own: Timeline, ...pulled: Timeline[]]) {
    this.floor = timelines.map(({ floor }) => floor).reduce((one, other) => (one > other ? one : other));
  }

  /** In the table of changes: what would change it. Whom the viewer follows, those are among who are pulled. */
  get places(): Uint32Array {
    return this.timelines[0].places;
  }

  /** Whether there are no posts but those that are in it. */
  get isWhole(): boolean {
    return this.floor === lowestId;
  }

  /**
   * The newest entries before a position, newest first, each once: all of them as far as they go. Where that is less than
   * was asked for, there may be older ones in PostgreSQL.
   */
  before(position: string | undefined, limit: number): HomeEntry[] {
    const runs = this.timelines.flatMap((timeline) => [
      beginRun(timeline, timeline.loaded()),
      beginRun(timeline, timeline.appended()),
    ]);
    const bound = position === undefined ? undefined : toRawId(position);
    const entries: HomeEntry[] = [];
    let last: RawId | undefined;
    while (entries.length < limit) {
      const run = newest(runs);
      if (!run || run.head < this.floor) break;
      const { head, timeline } = run;
      const place = run.places[run.next] as number;
      advance(run);
      if ((bound !== undefined && head >= bound) || head === last || !timeline.counts(place)) continue;
      entries.push(timeline.entryAt(place));
      last = head;
    }
    return entries;
  }
}

function beginRun(timeline: Timeline, places: readonly number[]): Run {
  const run = { timeline, places, next: -1, head: '' };
  advance(run);
  return run;
}

function advance(run: Run): void {
  run.next += 1;
  const place = run.places[run.next];
  run.head = place === undefined ? '' : run.timeline.rawIdAt(place);
}

function newest(runs: readonly Run[]): Run | undefined {
  let found: Run | undefined;
  for (const run of runs) if (run.head !== '' && (!found || run.head > found.head)) found = run;
  return found;
}
