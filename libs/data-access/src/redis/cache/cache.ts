import type { AskForSignal } from '../../late-caller';
import { redisKeys } from '../redis-keys';
import { appendTogether, type Appended, type Appending } from './append';
import { packDocument, unpackDocument, type CachedDocument } from './cache-document';
import type { CacheLink } from './cache-link';
import { policyOf, type CachePolicy } from './cache-policy';
import type { CacheHooks, CacheOptions, ReadOptions } from './cache-options';
import { cacheStore, type CacheStore } from './cache-store';
import { freshUntilOf, holdsValue, isFresh, valueOf } from './entry';
import { Flight, type Load, type Sight, type Value } from './flight';
import { GlanceReader, Missing, nothingSeen, type Glance, type Glimpse } from './glance';
import type { Lease } from './lease';
import { LeaseRenewal } from './lease-renewal';
import { LoadLimit } from './load-limit';
import { LocalLayer } from './local-layer';
import type { LoadingReader, Reader } from './reads';

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
  private readonly renewal: LeaseRenewal;
  private readonly onChange: CacheOptions['onChange'];
  private readonly flights = new Map<string, Flight>();

  constructor(options: CacheOptions) {
    const { redis, service, name, version = 1, loads = defaultLoads, hooks = {} } = options;
    this.store = cacheStore(redis);
    this.policy = policyOf(options.policy);
    this.prefix = redisKeys(service).cachePrefix(name, version);
    this.hooks = hooks;
    this.limit = new LoadLimit(loads.atOnce, loads.waiting);
    this.local = options.local && new LocalLayer(options.local, () => hooks.onLocalEviction?.());
    this.renewal = new LeaseRenewal(options.leaseMs ?? defaultLeaseMs);
    this.onChange = options.onChange;
  }

  /** The value under the key, or what `load` gives, which is kept. `undefined`: there is none, which is kept too. */
  async getOrLoad<T>(
    key: string,
    load: Load<T | undefined>,
    { secondsLeft, signal }: ReadOptions<T> = {},
  ): Promise<T | undefined> {
    let loaded: { value: T | undefined } | undefined;
    const loadText = async (abandoned: AskForSignal) => {
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
  async getOrLoadBytes(
    key: string,
    load: Load<Value>,
    options: ReadOptions<Exclude<Value, undefined>> = {},
  ): Promise<Buffer | undefined> {
    const { local } = this;
    const fullKey = this.prefix + key;
    const kept = local?.get(fullKey);
    if (kept) {
      this.hooks.onRead?.('local');
      return kept.value;
    }
    const asked = local?.begin();
    const found = options.seen ?? (await this.find(fullKey, true));
    let value: Buffer | undefined;
    if (found instanceof Missing) {
      // Here, and not where the answer came from, which is the turn of whoever asked first: what is loaded belongs to
      // the trace of this caller.
      value = await this.obtain({ key: fullKey, load, options }, found.sight);
    } else {
      this.hooks.onRead?.('hit');
      value = found;
    }
    if (asked) local?.keep(fullKey, value, asked);
    return value;
  }

  /** The same for a response body with its ETag. */
  async getOrLoadDocument(
    key: string,
    load: Load<{ etag: string; body: string | Buffer } | undefined>,
    options?: Pick<ReadOptions<never>, 'signal'>,
  ): Promise<CachedDocument | undefined> {
    const loadPacked = async (abandoned: AskForSignal) => {
      const document = await load(abandoned);
      return document && packDocument(document);
    };
    const packed = await this.getOrLoadBytes(key, loadPacked, options);
    return packed && unpackDocument(packed);
  }

  /** What is cached under the key, if anything. Nothing is loaded. */
  async getBytes(key: string): Promise<Buffer | undefined> {
    const found = await this.find(this.prefix + key, false);
    return found instanceof Missing ? undefined : found;
  }

  /**
   * The same as a part of a glance at several things. Who is `toLoad` what is not there must do so, by `getOrLoadBytes`
   * with what was seen: they may have been given the right to, and others wait for them.
   */
  glanceAt(key: string, glance: Glance, { toLoad = false } = {}): void {
    this.look(this.prefix + key, new GlanceReader(glance, this.onHit, this.renewal.leaseMs), toLoad);
  }

  /** Somebody has kept values of this cache, sees to it that they hold, and has served so many. */
  servedByOthers(count: number): void {
    for (let i = 0; i < count; i += 1) this.hooks.onRead?.('local');
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
      if (this.onChange) await this.onChange(typeof keys === 'string' ? [keys] : keys);
    }
  }

  /** The same for a change that has been made already. Never rejects. */
  async invalidate(...keys: string[]): Promise<void> {
    const fullKeys = this.fullKeys(keys);
    await this.store.changes.after(fullKeys, this.onWriteError);
    this.local?.forget(fullKeys);
    await this.onChange?.(keys);
  }

  /**
   * Lengthens the values that are cached under these keys, for a change that has been made already; where none is
   * cached, the next load is to find the change. What is read after this resolves has it, as far as the reader believes
   * what is cached at all. Rejects when Redis does not answer: then it may be repeated (and appended twice), or the keys
   * invalidated.
   */
  append(keys: readonly string[], appended: Appended): Promise<void> {
    return appendTogether([this.appending(keys, appended)]);
  }

  /** The same as a part of what `appendTogether` does at once, to values of this cache and of others. */
  appending(keys: readonly string[], appended: Appended): Appending {
    const fullKeys = this.fullKeys(keys);
    const forgetLocally = () => this.local?.forget(fullKeys);
    return { ...appended, redis: this.store.redis, fullKeys, forgetLocally };
  }

  /** Whether Redis is asked for this key at present; if not, every read is a load. */
  isOpen(key: string): boolean {
    const { links } = this.store;
    return links.isStarting || links.of(this.prefix + key).isOpen;
  }

  private find(fullKey: string, toLoad: boolean): Promise<Glimpse> {
    return new Promise((resolve) => this.look(fullKey, new Sought(resolve, this.renewal.leaseMs), toLoad));
  }

  private look(fullKey: string, reader: LoadingReader, toLoad: boolean): void {
    const { changes, reads } = this.store;
    if (changes.isOwed(fullKey)) reader.onSilence();
    else if (toLoad) reads.readToLoad(fullKey, reader);
    else reads.read(fullKey, reader);
  }

  private obtain(question: Question, sight: Sight | undefined): Promise<Buffer | undefined> {
    const { entry, link } = sight ?? {};
    if (entry && link && holdsValue(entry) && link.believes(entry))
      return this.renew(question, { entry, link });
    this.hooks.onRead?.(sight ? 'miss' : 'error');
    return this.flightFor(question, sight).join(question.options.signal);
  }

  /** The value is past its time, though nothing has changed that we know of. */
  private async renew(
    question: Question,
    { entry, link }: Sight & { entry: Buffer },
  ): Promise<Buffer | undefined> {
    const { staleWhileRevalidateSeconds, staleIfErrorSeconds } = this.policy;
    const { signal } = question.options;
    const age = (link.now() - freshUntilOf(entry)) / 1_000;
    const flight = this.flightFor(question, { entry, link });
    if (age <= staleWhileRevalidateSeconds) {
      this.hooks.onRead?.('stale');
      flight.join(undefined).catch((error: unknown) => this.hooks.onRefreshError?.(error));
      return valueOf(entry);
    }
    try {
      const value = await flight.join(signal);
      this.hooks.onRead?.('miss');
      return value;
    } catch (error) {
      const mayServe = age <= staleIfErrorSeconds && !signal?.().aborted;
      this.hooks.onRead?.(mayServe ? 'stale' : 'miss');
      if (mayServe) return valueOf(entry);
      throw error;
    }
  }

  /** Joins a flight that is under way, where it will see all that this reader must see. */
  private flightFor(question: Question, sight: Sight | undefined): Flight {
    const { key, load, options } = question;
    const under = this.flights.get(key);
    if (under?.canBeShared(sight)) return under;
    const { store, limit, renewal, onWriteError: onFillError } = this;
    const timesOf = (value: Value) => this.timesOf(value, options);
    const flight = new Flight({ store, limit, key, load, timesOf, renewal, onFillError }, sight, under);
    this.flights.set(key, flight);
    const land = () => {
      if (this.flights.get(key) === flight) this.flights.delete(key);
    };
    flight.whenOver(land);
    return flight;
  }

  private timesOf(
    value: Value,
    { secondsLeft }: Question['options'],
  ): { freshMs: number; keptMs: number } | undefined {
    const { ttlSeconds, absentSeconds, staleWhileRevalidateSeconds, staleIfErrorSeconds } = this.policy;
    if (value === undefined) return keepFor(absentSeconds * spread(), 0);
    const most = ttlSeconds * spread();
    const seconds = secondsLeft ? Math.min(secondsLeft(value), most) : most;
    return keepFor(seconds, Math.max(staleWhileRevalidateSeconds, staleIfErrorSeconds));
  }

  private readonly onHit = (): void => this.hooks.onRead?.('hit');

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
  options: ReadOptions<Exclude<Value, undefined>>;
}

/** One look at Redis. */
class Sought implements LoadingReader {
  next: Reader | undefined;

  constructor(
    private readonly settle: (found: Glimpse) => void,
    readonly leaseMs: number,
  ) {}

  onEntry(entry: Buffer | null, link: CacheLink, lease?: Lease): void {
    const isThere = entry !== null && isFresh(entry, link);
    this.settle(isThere ? valueOf(entry) : new Missing({ entry, link, lease }));
  }

  /** Redis is not asked at present, or has not answered. */
  onSilence(): void {
    this.settle(nothingSeen);
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
