import { redisKeys } from '../redis-keys';
import type { Redis } from '../redis';
import { packDocument, unpackDocument, type CachedDocument } from './cache-document';
import type { CacheLink } from './cache-link';
import { policyOf, type CachePolicy, type CachePolicyName } from './cache-policy';
import { cacheStore, type CacheStore } from './cache-store';
import { freshUntilOf, holdsValue, leaseOf, valueOf } from './entry';
import { Flight, type Load, type Sight, type Value } from './flight';
import { LoadLimit } from './load-limit';
import { LocalLayer, type LocalLayerOptions } from './local-layer';
import type { Reader } from './reads';

/**
 * `hit`: from Redis. `local`: from this process. `stale`: from Redis, past its time. `miss`: loaded. `error`: loaded,
 * because Redis did not answer or is not to be believed yet.
 */
export type CacheResult = 'hit' | 'local' | 'stale' | 'miss' | 'error';

export interface CacheHooks {
  /** What became of a read. */
  onRead?: (result: CacheResult) => void;
  /** Redis did not take a value, or a change, which is then made up for. */
  onWriteError?: (error: unknown) => void;
  /** A stale value was served and could not be refreshed. */
  onRefreshError?: (error: unknown) => void;
  /** The process's own layer had no room for a value any more. */
  onLocalEviction?: () => void;
}

export interface CacheOptions {
  redis: Redis;
  /** Whose keys they are. */
  service: string;
  /** Names the cache in its keys. */
  name: string;
  policy: CachePolicyName | CachePolicy;
  /** To be raised when what is cached changes its shape, so that releases that run side by side do not read each other's. */
  version?: number;
  /** A layer in the process, for what may be as old as it says. By default there is none. */
  local?: LocalLayerOptions;
  /** How many values are loaded at a time, and how many may wait for that, before reads are answered with a 503. */
  loads?: { atOnce: number; waiting: number };
  /** How long a load may be silent before another process does it. */
  leaseMs?: number;
  hooks?: CacheHooks;
}

export interface ReadOptions<T> {
  /** For values that end by themselves: in how many seconds. Not cached beyond that, nor beyond the policy's time. */
  secondsLeft?: (value: T) => number;
  /**
   * Ends the wait with the signal's reason; and the load, if nobody else waits for it. Asked for only where there is
   * something to wait for: a signal costs more than a hit.
   */
  signal?: () => AbortSignal;
}

const defaultLoads = { atOnce: 32, waiting: 2_000 };
const defaultLeaseMs = 1_000;
/** What was cached together does not expire together. */
const jitter = 0.1;

/**
 * Cache-aside over Redis. After a change has been acknowledged nobody reads what was before it, whatever becomes of
 * processes and of Redis; no failure of Redis is the caller's; and what is missing is loaded once, by one process.
 */
export class Cache {
  private readonly store: CacheStore;
  private readonly policy: CachePolicy;
  private readonly prefix: string;
  private readonly hooks: CacheHooks;
  private readonly limit: LoadLimit;
  private readonly local: LocalLayer | undefined;
  private readonly leaseMs: number;
  private readonly flights = new Map<string, Flight>();

  constructor(options: CacheOptions) {
    const { redis, service, name, version = 1, loads = defaultLoads, hooks = {} } = options;
    this.store = cacheStore(redis);
    this.policy = policyOf(options.policy);
    this.prefix = redisKeys(service).cachePrefix(name, version);
    this.hooks = hooks;
    this.limit = new LoadLimit(loads.atOnce, loads.waiting);
    this.local = options.local && new LocalLayer(options.local, () => hooks.onLocalEviction?.());
    this.leaseMs = options.leaseMs ?? defaultLeaseMs;
  }

  /** The value under the key, or what `load` gives, which is kept. `undefined`: there is none, which is kept too. */
  async getOrLoad<T>(
    key: string,
    load: Load<T | undefined>,
    { secondsLeft, signal }: ReadOptions<T> = {},
  ): Promise<T | undefined> {
    let loaded: { value: T | undefined } | undefined;
    const loadText = async (abandoned: AbortSignal) => {
      const value = await load(abandoned);
      loaded = { value };
      return value === undefined ? undefined : JSON.stringify(value);
    };
    const bytes = await this.getOrLoadBytes(key, loadText, {
      ...(secondsLeft && { secondsLeft: (value: Value) => secondsLeft(parse<T>(value)) }),
      ...(signal && { signal }),
    });
    if (loaded) return loaded.value;
    return bytes === undefined ? undefined : parse<T>(bytes);
  }

  /** The same for what is sent as it is: neither parsed nor made into a string on its way through. */
  getOrLoadBytes(
    key: string,
    load: Load<Value>,
    { secondsLeft, signal }: ReadOptions<Exclude<Value, undefined>> = {},
  ): Promise<Buffer | undefined> {
    const fullKey = this.prefix + key;
    const kept = this.local?.get(fullKey);
    if (kept) {
      this.hooks.onRead?.('local');
      return Promise.resolve(kept.value);
    }
    return new Promise((resolve, reject) => {
      this.read(fullKey, new Read(this, { key: fullKey, load, secondsLeft, signal, resolve, reject }));
    });
  }

  /** The same for a response body with its ETag. */
  async getOrLoadDocument(
    key: string,
    load: Load<{ etag: string; body: string | Buffer } | undefined>,
    options?: Pick<ReadOptions<never>, 'signal'>,
  ): Promise<CachedDocument | undefined> {
    const loadPacked = async (abandoned: AbortSignal) => {
      const document = await load(abandoned);
      return document && packDocument(document);
    };
    const packed = await this.getOrLoadBytes(key, loadPacked, options);
    return packed && unpackDocument(packed);
  }

  /** What is cached under the key, if anything. Nothing is loaded. */
  getBytes(key: string): Promise<Buffer | undefined> {
    return new Promise((resolve) => {
      const onEntry = (entry: Buffer | null, link: CacheLink) => {
        const usable = entry !== null && holdsValue(entry) && link.believes(entry);
        resolve(usable && freshUntilOf(entry) > link.now() ? valueOf(entry) : undefined);
      };
      this.read(this.prefix + key, { next: undefined, onEntry, onSilence: () => resolve(undefined) });
    });
  }

  /**
   * Makes a change of what is cached under these keys: of one that makes something new too, if somebody may have asked
   * for it before. When this resolves, nobody reads what was before it.
   */
  async change<T>(keys: string | readonly string[], work: () => Promise<T>): Promise<T> {
    const fullKeys = this.fullKeys(keys);
    try {
      return await this.store.changes.around(fullKeys, work, this.onWriteError);
    } finally {
      this.local?.forget(fullKeys);
    }
  }

  /** The same for a change that has been made already. Never rejects. */
  async invalidate(...keys: string[]): Promise<void> {
    const fullKeys = this.fullKeys(keys);
    await this.store.changes.after(fullKeys, this.onWriteError);
    this.local?.forget(fullKeys);
  }

  /** Begins to count the age of what is about to be read. @internal */
  beginLocal(): number {
    return this.local?.begin() ?? 0;
  }

  /** @internal */
  onHit(read: Read, value: Buffer | undefined): void {
    this.hooks.onRead?.('hit');
    this.answer(read, value);
  }

  /** The value is past its time, though nothing has changed that we know of. @internal */
  onStale(read: Read, entry: Buffer, link: CacheLink): void {
    const { staleWhileRevalidateSeconds, staleIfErrorSeconds } = this.policy;
    const age = (link.now() - freshUntilOf(entry)) / 1_000;
    const flight = this.flightFor(read, { entry, link });
    if (age <= staleWhileRevalidateSeconds) {
      this.hooks.onRead?.('stale');
      flight.join(undefined).catch((error: unknown) => this.hooks.onRefreshError?.(error));
      read.resolve(valueOf(entry));
      return;
    }
    flight.join(read.signal?.()).then(
      (value) => {
        this.hooks.onRead?.('miss');
        this.answer(read, value);
      },
      (error: unknown) => {
        const mayServe = age <= staleIfErrorSeconds && !read.signal?.().aborted;
        this.hooks.onRead?.(mayServe ? 'stale' : 'miss');
        if (mayServe) read.resolve(valueOf(entry));
        else read.reject(error);
      },
    );
  }

  /** @internal */
  onMiss(read: Read, sight: Sight | undefined): void {
    this.hooks.onRead?.(sight ? 'miss' : 'error');
    const value = this.flightFor(read, sight).join(read.signal?.());
    value.then((each) => this.answer(read, each), read.reject);
  }

  private answer(read: Read, value: Buffer | undefined): void {
    this.local?.keep(read.key, value, read);
    read.resolve(value);
  }

  private read(fullKey: string, reader: Reader): void {
    if (this.store.changes.isOwed(fullKey)) reader.onSilence();
    else this.store.reads.read(fullKey, reader);
  }

  /** Joins a flight that is under way, where it will see all that this reader must see. */
  private flightFor(read: Read, sight: Sight | undefined): Flight {
    const { key, load } = read;
    const under = this.flights.get(key);
    const lease = sight && leaseOf(sight.entry, sight.link.now());
    if (under?.canBeShared(lease)) return under;
    const { store, limit, leaseMs, onWriteError: onFillError } = this;
    const timesOf = (value: Value) => this.timesOf(value, read);
    const flight = new Flight({ store, limit, key, load, timesOf, leaseMs, onFillError }, sight, under);
    this.flights.set(key, flight);
    const land = () => {
      if (this.flights.get(key) === flight) this.flights.delete(key);
    };
    flight.whenOver(land);
    return flight;
  }

  private timesOf(value: Value, { secondsLeft }: Read): { freshMs: number; keptMs: number } | undefined {
    const { ttlSeconds, absentSeconds, staleWhileRevalidateSeconds, staleIfErrorSeconds } = this.policy;
    if (value === undefined) return keepFor(absentSeconds * spread(), 0);
    const most = ttlSeconds * spread();
    const seconds = secondsLeft ? Math.min(secondsLeft(value), most) : most;
    return keepFor(seconds, Math.max(staleWhileRevalidateSeconds, staleIfErrorSeconds));
  }

  private readonly onWriteError = (error: unknown): void => {
    this.hooks.onWriteError?.(error);
  };

  private fullKeys(keys: string | readonly string[]): string[] {
    return (typeof keys === 'string' ? [keys] : keys).map((key) => this.prefix + key);
  }
}

interface Question {
  key: string;
  load: Load<Value>;
  secondsLeft: ((value: Exclude<Value, undefined>) => number) | undefined;
  signal: (() => AbortSignal) | undefined;
  resolve: (value: Buffer | undefined) => void;
  reject: (error: unknown) => void;
}

/** One read on its way. An object with methods, not closures: there is one for every read. */
class Read implements Reader {
  next: Reader | undefined;
  readonly key: string;
  readonly load: Load<Value>;
  readonly signal: Question['signal'];
  readonly secondsLeft: Question['secondsLeft'];
  readonly resolve: Question['resolve'];
  readonly reject: Question['reject'];
  readonly began: number;
  readonly startedAt: number;

  constructor(
    private readonly cache: Cache,
    question: Question,
  ) {
    this.key = question.key;
    this.load = question.load;
    this.secondsLeft = question.secondsLeft;
    this.signal = question.signal;
    this.resolve = question.resolve;
    this.reject = question.reject;
    this.began = cache.beginLocal();
    this.startedAt = performance.now();
  }

  onEntry(entry: Buffer | null, link: CacheLink): void {
    if (entry === null || !holdsValue(entry) || !link.believes(entry))
      this.cache.onMiss(this, { entry, link });
    else if (freshUntilOf(entry) > link.now()) this.cache.onHit(this, valueOf(entry));
    else this.cache.onStale(this, entry, link);
  }

  onSilence(): void {
    this.cache.onMiss(this, undefined);
  }
}

function keepFor(seconds: number, beyondSeconds: number): { freshMs: number; keptMs: number } | undefined {
  const freshMs = Math.round(seconds * 1_000);
  return freshMs > 0 ? { freshMs, keptMs: freshMs + Math.round(beyondSeconds * 1_000) } : undefined;
}

function spread(): number {
  return 1 - jitter + Math.random() * 2 * jitter;
}

function parse<T>(value: string | Buffer | undefined): T {
  return JSON.parse(String(value)) as T;
}

export function createCache(options: CacheOptions): Cache {
  return new Cache(options);
}
