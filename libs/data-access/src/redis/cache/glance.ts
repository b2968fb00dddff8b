import type { CacheLink } from './cache-link';
import { isFresh, valueOf } from './entry';
import type { Sight } from './flight';
import type { Lease } from './lease';
import type { LoadingReader, Reader } from './reads';

/** In the place of a value that would have to be loaded: whoever loads it need not look again what stands in Redis. */
export class Missing {
  constructor(readonly sight: Sight | undefined) {}
}

export const nothingSeen = new Missing(undefined);

export type Glimpse = Buffer | undefined | Missing;

/**
 * Several reads, perhaps of several caches, that are of use together. They have one promise between them: where each
 * has some of its own, a page of posts costs more in promises than in all else. Nothing is loaded.
 */
export class Glance {
  private readonly values: Glimpse[] = [];
  private open = 0;
  private resolve: ((values: readonly Glimpse[]) => void) | undefined;

  /** What was found, in the order in which it was asked for. To be called once, after all that has been asked for. */
  all(): Promise<readonly Glimpse[]> {
    return new Promise((resolve) => {
      if (this.open === 0) resolve(this.values);
      else this.resolve = resolve;
    });
  }

  /** Called by caches: the place of one more answer. */
  expect(): number {
    this.open += 1;
    return this.values.push(nothingSeen) - 1;
  }

  /** Called by caches, once for each place. */
  answer(place: number, value: Glimpse): void {
    this.values[place] = value;
    this.open -= 1;
    if (this.open === 0) this.resolve?.(this.values);
  }
}

/** One of the reads. */
export class GlanceReader implements LoadingReader {
  next: Reader | undefined;
  private readonly place: number;

  constructor(
    private readonly glance: Glance,
    private readonly onHit: (() => void) | undefined,
    readonly leaseMs: number,
  ) {
    this.place = glance.expect();
  }

  onEntry(entry: Buffer | null, link: CacheLink, lease?: Lease): void {
    if (entry === null || !isFresh(entry, link)) {
      this.glance.answer(this.place, new Missing({ entry, link, lease }));
      return;
    }
    this.onHit?.();
    this.glance.answer(this.place, valueOf(entry));
  }

  onSilence(): void {
    this.glance.answer(this.place, nothingSeen);
  }
}
