import { LRUCache } from 'lru-cache';

export interface LocalLayerOptions {
  /**
   * How old an answer may be: for so long other processes' changes go unnoticed. A change made by this process is
   * noticed at once.
   */
  maxAgeMs: number;
  maxBytes: number;
}

interface Kept {
  value: Buffer | undefined;
  until: number;
}

interface Asked {
  changes: number;
  at: number;
}

/** Weighs a key and what surrounds it, so that many small values do not take more memory than was meant. */
const overheadBytes = 200;

/**
 * Values in the process itself. It answers within a microsecond, and knows nothing of changes made elsewhere: it is for
 * what may be a moment old. Age is counted from when Redis was asked, so that the bound holds however late its answer.
 */
export class LocalLayer {
  private readonly kept: LRUCache<string, Kept>;
  /** Counts changes: what was being read while one took place is not kept. */
  private changes = 0;

  constructor(
    private readonly options: LocalLayerOptions,
    onEvict: () => void,
  ) {
    this.kept = new LRUCache<string, Kept>({
      maxSize: options.maxBytes,
      sizeCalculation: ({ value }, key) => overheadBytes + 2 * key.length + (value?.length ?? 0),
      dispose: (_kept, _key, reason) => {
        if (reason === 'evict') onEvict();
      },
    });
  }

  get(key: string): Kept | undefined {
    const kept = this.kept.get(key);
    return kept && kept.until > performance.now() ? kept : undefined;
  }

  /** To be kept beside what is about to be read: its age counts from here. */
  begin(): Asked {
    return { changes: this.changes, at: performance.now() };
  }

  keep(key: string, value: Buffer | undefined, asked: Asked): void {
    if (asked.changes !== this.changes) return;
    // A slice of what came over the network would keep all of that in memory.
    const own = value && Buffer.from(value);
    this.kept.set(key, { value: own, until: asked.at + this.options.maxAgeMs });
  }

  forget(keys: readonly string[]): void {
    this.changes += 1;
    for (const key of keys) this.kept.delete(key);
  }
}
