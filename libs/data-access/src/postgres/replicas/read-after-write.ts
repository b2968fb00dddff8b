import { LRUCache } from 'lru-cache';
import type { Database } from '../database';
import type { Queryable } from '../queryable';
import type { Commit } from '../transaction';
import { positionOf, type ReadPin } from './write-mark';

/** Where instances tell each other who has written what last. */
export interface MarkStore {
  /** Keeps the pin for at least so long, unless there is a later one. */
  put(subject: string, pin: ReadPin, ttlMs: number): Promise<void>;
  get(subject: string): Promise<ReadPin | undefined>;
}

export interface ReadAfterWriteOptions {
  database: Database;
  /** Without it only what was written through this instance is known here. */
  store?: MarkStore;
  /** How long after a write its author is taken care of; more than a replica may lag. */
  pinMs?: number;
  onStoreError?: (error: unknown) => void;
}

const mostSubjects = 100_000;

/** Lets those who have just written read what they wrote, and all others read from replicas. */
export class ReadAfterWrite {
  private readonly own: LRUCache<string, ReadPin>;
  private readonly pinMs: number;

  constructor(private readonly options: ReadAfterWriteOptions) {
    this.pinMs = options.pinMs ?? 10_000;
    this.own = new LRUCache({ max: mostSubjects, ttl: this.pinMs });
  }

  /** To be awaited before a write is acknowledged: `trx.onCommit((commit) => marks.wrote(userId, commit))`. */
  async wrote(subject: string, { mark }: Commit): Promise<void> {
    if (!this.options.database.hasReplicas) return;
    const pin = mark ?? 'primary';
    this.own.set(subject, later(this.own.get(subject), pin));
    try {
      await this.options.store?.put(subject, pin, this.pinMs);
    } catch (error) {
      this.options.onStoreError?.(error);
    }
  }

  /** What this subject reads from, or anybody when none is named. */
  async readerFor(subject?: string): Promise<Queryable> {
    const { database, store } = this.options;
    if (subject === undefined || !database.hasReplicas) return database.reader();
    const own = this.own.get(subject);
    if (own === 'primary' || !store) return database.reader(own);
    try {
      const pin = await store.get(subject);
      return database.reader(pin === undefined ? own : later(own, pin));
    } catch (error) {
      this.options.onStoreError?.(error);
      // They may have written through another instance.
      return database.reader('primary');
    }
  }
}

function later(one: ReadPin | undefined, other: ReadPin): ReadPin {
  if (one === undefined || other === 'primary') return other;
  if (one === 'primary') return one;
  return (positionOf(one) ?? 0n) > (positionOf(other) ?? 0n) ? one : other;
}
