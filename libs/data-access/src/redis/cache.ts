import { randomUUID } from 'node:crypto';
import { gatheredReads, type GatheredReads } from './gathered-reads';
import type { Redis } from './redis';

export type CacheResult = 'hit' | 'miss' | 'error';

export interface CacheHooks {
  /** What became of a read. `error`: Redis did not answer, so the value was loaded. */
  onRead?: (read: { cache: string; result: CacheResult }) => void;
  /** Redis did not take a value, or an invalidation, which is then made up for. */
  onWriteError?: (failure: { cache: string; error: unknown }) => void;
}

export interface CacheOptions {
  redis: Redis;
  /** Names the cache in metrics, and its keys in Redis. */
  name: string;
  hooks?: CacheHooks;
}

/** Starts the mark that an invalidation leaves. Neither JSON nor text begins with it. */
const markByte = 0;
/** Far longer than any load takes: only while the mark is there are slow loads kept from filling in what they read. */
const markSeconds = 900;
const jitter = 0.1;
const mostOwedInvalidations = 10_000;

/**
 * Stores a value only if the key is as the reader found it: absent, or holding the same mark. A value that was read
 * before an invalidation can so never come after it.
 */
const fillScript = `
local now = redis.call('GET', KEYS[1]) or ''
if now ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`;

/** Cache-aside over Redis: what is not there is loaded once per process, and no failure of Redis is the caller's. */
export class Cache {
  private readonly redis: Redis;
  private readonly reads: GatheredReads;
  private readonly hooks: CacheHooks;
  private readonly name: string;
  private readonly loads = new Map<string, Load>();
  /** Keys that Redis has not been told to forget yet: until it has, they are not read from it. */
  private readonly owed = new Set<string>();

  constructor({ redis, name, hooks = {} }: CacheOptions) {
    this.redis = redis;
    this.name = name;
    this.hooks = hooks;
    this.reads = gatheredReads(redis);
    redis.on('ready', () => void this.payOwed());
  }

  /** The value under the key, or what `load` gives, which is kept for about `ttlSeconds`. `undefined` is not kept. */
  async getOrLoad<T>(key: string, ttlSeconds: number, load: () => Promise<T>): Promise<T> {
    let loaded: { value: T } | undefined;
    const bytes = await this.getOrLoadBytes(key, ttlSeconds, async () => {
      loaded = { value: await load() };
      return loaded.value === undefined ? undefined : JSON.stringify(loaded.value);
    });
    if (loaded) return loaded.value;
    return (bytes === undefined ? undefined : JSON.parse(bytes.toString())) as T;
  }

  /** The same for what is sent as it is: neither parsed nor made into a string on its way through. */
  async getOrLoadBytes(
    key: string,
    ttlSeconds: number,
    load: () => Promise<string | Buffer | undefined>,
  ): Promise<Buffer | undefined> {
    const found = await this.read(key);
    if (found.result === 'hit') return found.bytes;
    return this.loadOnce({ key, ttlSeconds, load, seen: found.seen });
  }

  /** What is cached under the key, if anything. */
  async getBytes(key: string): Promise<Buffer | undefined> {
    const found = await this.read(key);
    return found.result === 'hit' ? found.bytes : undefined;
  }

  /**
   * Makes everyone forget these keys. Call it after the change has been committed. Never rejects: what cannot be told
   * to Redis now is told it later, and until then this process does not read it there.
   */
  async invalidate(...keys: string[]): Promise<void> {
    for (const key of keys) this.loads.delete(key);
    try {
      await this.mark(keys);
    } catch (error) {
      this.hooks.onWriteError?.({ cache: this.name, error });
      for (const key of keys) if (this.owed.size < mostOwedInvalidations) this.owed.add(key);
    }
  }

  private async read(key: string): Promise<{ result: 'hit'; bytes: Buffer } | Absent> {
    const found = await this.lookUp(key);
    this.hooks.onRead?.({ cache: this.name, result: found.result });
    return found;
  }

  private async lookUp(key: string): Promise<{ result: 'hit'; bytes: Buffer } | Absent> {
    if (this.owed.has(key)) return { result: 'error', seen: undefined };
    try {
      const bytes = await this.reads.get(this.keyOf(key));
      if (bytes === null) return { result: 'miss', seen: '' };
      if (bytes[0] === markByte) return { result: 'miss', seen: bytes.toString() };
      return { result: 'hit', bytes };
    } catch {
      return { result: 'error', seen: undefined };
    }
  }

  /** Whoever found the key in the same state shares one load; a load from before an invalidation is not joined. */
  private loadOnce(request: LoadRequest): Promise<Buffer | undefined> {
    const running = this.loads.get(request.key);
    if (running && running.seen === request.seen) return running.value;
    const load: Load = {
      seen: request.seen,
      value: this.loadAndFill(request).finally(() => {
        if (this.loads.get(request.key) === load) this.loads.delete(request.key);
      }),
    };
    this.loads.set(request.key, load);
    return load.value;
  }

  private async loadAndFill({ key, ttlSeconds, load, seen }: LoadRequest): Promise<Buffer | undefined> {
    const value = await load();
    if (value === undefined) return undefined;
    if (seen !== undefined) void this.fill(key, { value, seen, ttlSeconds });
    return typeof value === 'string' ? Buffer.from(value) : value;
  }

  private async fill(
    key: string,
    { value, seen, ttlSeconds }: { value: string | Buffer; seen: string; ttlSeconds: number },
  ): Promise<void> {
    // Spread out, so that what was cached together does not expire together.
    const ttlMs = Math.round(ttlSeconds * 1000 * (1 - jitter + Math.random() * 2 * jitter));
    try {
      await this.redis.eval(fillScript, 1, this.keyOf(key), seen, value, ttlMs);
    } catch (error) {
      this.hooks.onWriteError?.({ cache: this.name, error });
    }
  }

  private async mark(keys: string[]): Promise<void> {
    const mark = `${String.fromCharCode(markByte)}${randomUUID()}`;
    await Promise.all(keys.map((key) => this.redis.set(this.keyOf(key), mark, 'EX', markSeconds)));
  }

  private async payOwed(): Promise<void> {
    const keys = [...this.owed];
    if (keys.length === 0) return;
    try {
      await this.mark(keys);
      for (const key of keys) this.owed.delete(key);
    } catch (error) {
      this.hooks.onWriteError?.({ cache: this.name, error });
    }
  }

  private keyOf(key: string): string {
    return `cache:${this.name}:${key}`;
  }
}

interface Absent {
  result: 'miss' | 'error';
  /** What stands under the key; `undefined` when that is not known. */
  seen: string | undefined;
}

interface Load {
  seen: string | undefined;
  value: Promise<Buffer | undefined>;
}

interface LoadRequest extends Omit<Absent, 'result'> {
  key: string;
  ttlSeconds: number;
  load: () => Promise<string | Buffer | undefined>;
}

export function createCache(options: CacheOptions): Cache {
  return new Cache(options);
}
