import { isAppError } from '@rostrum/errors';
import type { Cluster, Redis as IoRedis } from 'ioredis';
import { asCluster } from '../cluster-client';
import { ReplyDeadline, type Awaited } from '../rate-limit-deadline';
import type { Redis } from '../redis';
import { sendingTurn, type SendingTurn } from '../sending-turn';
import type { CacheLink } from './cache-link';
import type { CacheLinks } from './cache-links';
import { cacheScripts, runOnKeys } from './cache-scripts';
import { newToken, type Lease } from './lease';

/** Somebody who wants to know what stands under a key. Told once. */
export interface Reader {
  onEntry(entry: Buffer | null, link: CacheLink, lease?: Lease): void;
  /** Redis is not asked at present, does not answer, or its answer is not to be believed. */
  onSilence(): void;
  /** The next of those who want the same key: a list without an array for each read. */
  next: Reader | undefined;
}

/** Somebody who loads what is not there. Where nothing stands, the right to do so comes with the answer. */
export interface LoadingReader extends Reader {
  readonly leaseMs: number;
}

const largestBatch = 500;
/** Redis does nothing else meanwhile. */
const keysInScript = 100;

/**
 * All reads of one turn of the event loop, whoever asks, travel as one MGET, in a cluster as one to each node; those of
 * whoever loads what is not there as one call of a script, which is a round trip less for what has to be loaded.
 */
export class CacheReads {
  private gathered = new Map<string, Reader>();
  private loading = new Map<string, LoadingReader>();
  private readonly turn: SendingTurn;
  private readonly cluster: Cluster | undefined;
  private readonly deadline: ReplyDeadline;

  constructor(
    private readonly redis: Redis,
    private readonly links: CacheLinks,
    timeoutMs: number,
  ) {
    this.turn = sendingTurn(redis);
    this.cluster = asCluster(redis);
    this.deadline = new ReplyDeadline(timeoutMs);
    redis.once('end', () => this.deadline.close());
  }

  read(key: string, reader: Reader): void {
    if (this.links.isStarting) {
      this.links.whenStarted(() => this.read(key, reader));
      return;
    }
    if (this.gathered.size === 0) this.turn.atEnd(this.send);
    reader.next = this.gathered.get(key);
    this.gathered.set(key, reader);
  }

  /** The same for whoever loads what is not there, and so must: nobody else does meanwhile. */
  readToLoad(key: string, reader: LoadingReader): void {
    // Keys of different slots cannot be in one call.
    if (this.cluster || this.links.isStarting) return this.read(key, reader);
    if (this.loading.size === 0) this.turn.atEnd(this.sendLoading);
    reader.next = this.loading.get(key);
    this.loading.set(key, reader);
  }

  private readonly send = (): void => {
    const { gathered } = this;
    this.gathered = new Map();
    if (this.cluster) return this.sendToNodes(this.cluster, gathered);
    if (gathered.size <= largestBatch) return this.sendBatch([...gathered.keys()], [...gathered.values()]);
    const keys = [...gathered.keys()];
    const readers = [...gathered.values()];
    for (let start = 0; start < keys.length; start += largestBatch) {
      const end = start + largestBatch;
      this.sendBatch(keys.slice(start, end), readers.slice(start, end));
    }
  };

  private sendBatch(keys: string[], readers: Reader[]): void {
    const link = this.links.of('');
    const batch = new Batch(link, readers);
    if (!link.isOpen) return batch.turnAway();
    this.deadline.watch(batch);
    this.redis.mgetBuffer(keys).then(batch.onEntries, batch.onError);
  }

  private readonly sendLoading = (): void => {
    const keys = [...this.loading.keys()];
    const readers = [...this.loading.values()];
    this.loading = new Map();
    for (let start = 0; start < keys.length; start += keysInScript) {
      const end = start + keysInScript;
      this.sendScript(keys.slice(start, end), readers.slice(start, end));
    }
  };

  private sendScript(keys: string[], readers: LoadingReader[]): void {
    const link = this.links.of('');
    const token = newToken();
    const batch = new Batch(link, readers, token);
    if (!link.isOpen) return batch.turnAway();
    this.deadline.watch(batch);
    const times = readers.map(({ leaseMs }) => leaseMs);
    const isSame = times.every((ms) => ms === times[0]);
    const args = [token, ...(isSame ? times.slice(0, 1) : times)];
    const replies = runOnKeys(this.redis, cacheScripts.readToLoad, { keys, args });
    (replies as Promise<(Buffer | number)[]>).then(batch.onEntries, batch.onError);
  }

  private sendToNodes(cluster: Cluster, gathered: Map<string, Reader>): void {
    for (const [link, keys] of this.links.split(gathered.keys())) {
      // Every key has a reader, or it would not have been gathered.
      const readers = keys.map((key) => gathered.get(key) as Reader);
      const batch = new Batch(link, readers);
      if (!link.isOpen) {
        batch.turnAway();
        continue;
      }
      this.deadline.watch(batch);
      void this.askNode(cluster, keys).then(batch.onEntries, batch.onError);
    }
  }

  /** An MGET would have to be of one slot. A node that does not have a key any more says who has it. */
  private async askNode(cluster: Cluster, keys: string[]): Promise<(Buffer | null)[]> {
    const pipeline = cluster.pipeline();
    for (const key of keys) pipeline.getBuffer(key);
    const replies = (await pipeline.exec()) as [Error | null, Buffer | null][];
    const entries: (Buffer | null)[] = [];
    for (const [index, [error, entry]] of replies.entries()) {
      entries.push(error ? await this.askAgain(cluster, keys[index] ?? '', error) : entry);
    }
    return entries;
  }

  private askAgain(cluster: Cluster, key: string, error: Error): Promise<Buffer | null> {
    if (!/^(MOVED|ASK|TRYAGAIN)\b/.test(error.message)) throw error;
    return (cluster as unknown as IoRedis).getBuffer(key);
  }
}

class Batch implements Awaited {
  settled = false;
  private readonly sentAt = performance.now();
  private readonly tag: number;

  constructor(
    private readonly link: CacheLink,
    private readonly readers: readonly Reader[],
    /** Of the leases that are given. */
    private readonly token?: string,
  ) {
    this.tag = link.life;
  }

  /** In the place of an entry: when the lease was given to whoever found none. */
  readonly onEntries = (entries: readonly (Buffer | number | null)[]): void => {
    if (this.settled) return;
    if (!this.link.answered(this.sentAt)) return this.turnAway();
    this.settled = true;
    const { link, readers, token, tag } = this;
    for (let i = 0; i < readers.length; i += 1) {
      const found = entries[i] ?? null;
      const entry = typeof found === 'number' ? null : found;
      const lease = typeof found === 'number' && token ? { token, stamp: found, tag } : undefined;
      let reader = readers[i];
      while (reader) {
        // Who is told may ask again at once.
        const { next } = reader;
        reader.onEntry(entry, link, lease);
        reader = next;
      }
    }
  };

  readonly onError = (error: unknown): void => {
    if (this.settled) return;
    // Where it was no breaker that turned us away, it is to be found out what it was.
    if (!isAppError(error)) void this.link.probe();
    this.turnAway();
  };

  /** Called when it takes too long. */
  fail(): void {
    this.link.failed();
    this.turnAway();
  }

  turnAway(): void {
    this.settled = true;
    for (const first of this.readers) {
      let reader: Reader | undefined = first;
      while (reader) {
        const next: Reader | undefined = reader.next;
        reader.onSilence();
        reader = next;
      }
    }
  }
}
