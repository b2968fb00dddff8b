import { problems } from '@rostrum/errors';
import { importJWK, type CryptoKey, type JWK } from 'jose';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { accessTokenAlgorithm } from './access-claims';

export interface RemoteKeysOptions {
  /** Between two times that unknown ids make it ask again. */
  cooldownMs?: number;
  timeoutMs?: number;
  /** How they are fetched: by a client that knows when to leave the other side alone. */
  fetch?: (url: string, init: { signal: AbortSignal; redirect: 'error' }) => Promise<Response>;
  /** The keys could not be had; those that are known stay good. */
  onError?: (error: unknown) => void;
  now?: () => number;
}

const publishedKeys = z.object({ keys: z.array(z.record(z.string(), z.unknown())) });
const defaultMaxAgeMs = 300_000;
const longestMaxAgeMs = 3_600_000;
const mostUnknown = 1000;
const unknownForMs = 60_000;
/** Until the first answer there is nothing to go on with. */
const firstRetryMs = 200;
const refreshRetryMs = 1_000;

/**
 * The keys that a service publishes, by id. Asked anew when they are no longer fresh (nobody waits for that), and for an
 * id that is not among them: then once, and at most once a cooldown whatever ids are made up. Without the other side
 * the known keys stay good.
 */
export class RemoteKeys {
  private keys: ReadonlyMap<string, CryptoKey> | undefined;
  private readonly unknown = new LRUCache<string, true>({ max: mostUnknown, ttl: unknownForMs });
  private readonly cooldownMs: number;
  private readonly now: () => number;
  private freshUntil = 0;
  private askedAt = -Infinity;
  /** The last time that it asked for the sake of an unknown id. */
  private soughtAt = -Infinity;
  private failure: unknown;
  private asking: Promise<void> | undefined;

  constructor(
    private readonly url: string,
    private readonly options: RemoteKeysOptions,
  ) {
    this.cooldownMs = options.cooldownMs ?? 10_000;
    this.now = options.now ?? Date.now;
  }

  /** Rejects with a 503 where the keys cannot be had, and with anything else where there is no such key. */
  find(id: string | undefined): CryptoKey | Promise<CryptoKey> {
    if (id === undefined) throw new Error('The token names no key');
    const key = this.keys?.get(id);
    if (key) {
      if (this.mayRefresh) this.ask().catch(() => undefined);
      return key;
    }
    return this.findNew(id);
  }

  /** Asks now, and once more where an answer is under way that may be older than what this call is about. */
  async reload(): Promise<void> {
    await this.asking?.catch(() => undefined);
    await this.ask();
  }

  private async findNew(id: string): Promise<CryptoKey> {
    const asksFor = this.mayAsk && !this.unknown.has(id);
    if (this.asking) await this.asking.catch(() => undefined);
    else if (asksFor) await this.seek();
    const key = this.keys?.get(id);
    if (key) return key;
    // Whether there is such a key is not known while nobody answers.
    if (this.failure !== undefined) throw problems.unavailable('key_set', 1, this.failure);
    // An answer that was under way may be older than the key.
    if (asksFor) this.unknown.set(id, true);
    throw new Error('The token names a key that is not published');
  }

  /** What is no longer fresh is asked for in spite of the cooldown: that is for ids that anybody can make up. */
  private get mayRefresh(): boolean {
    const now = this.now();
    return this.asking === undefined && now >= this.freshUntil && now >= this.askedAt + refreshRetryMs;
  }

  private get mayAsk(): boolean {
    if (this.asking !== undefined) return false;
    if (this.keys) return this.now() >= this.soughtAt + this.cooldownMs;
    return this.now() >= this.askedAt + firstRetryMs;
  }

  private async seek(): Promise<void> {
    if (this.keys) this.soughtAt = this.now();
    await this.ask().catch(() => undefined);
  }

  private ask(): Promise<void> {
    this.asking ??= this.fetch().finally(() => (this.asking = undefined));
    return this.asking;
  }

  private async fetch(): Promise<void> {
    this.askedAt = this.now();
    try {
      const response = await (this.options.fetch ?? fetch)(this.url, {
        signal: AbortSignal.timeout(this.options.timeoutMs ?? 2000),
        redirect: 'error',
      });
      if (!response.ok) throw new Error(`The key set answered ${response.status}`);
      this.keys = await importKeys(publishedKeys.parse(await response.json()).keys);
      this.freshUntil = this.askedAt + maxAgeMs(response.headers.get('cache-control'));
      this.failure = undefined;
    } catch (error) {
      this.failure = error;
      this.options.onError?.(error);
      throw error;
    }
  }
}

/** Only keys that are meant for these tokens; others may stand beside them. */
async function importKeys(published: readonly JWK[]): Promise<ReadonlyMap<string, CryptoKey>> {
  const ours = published.filter(
    ({ kty, kid, alg, use }) =>
      kty === 'RSA' && typeof kid === 'string' && alg === accessTokenAlgorithm && use === 'sig',
  );
  const imported = await Promise.all(
    ours.map(
      async (jwk) => [String(jwk.kid), (await importJWK(jwk, accessTokenAlgorithm)) as CryptoKey] as const,
    ),
  );
  return new Map(imported);
}

function maxAgeMs(cacheControl: string | null): number {
  const seconds = /(?:^|[\s,])max-age=(\d{1,9})/.exec(cacheControl ?? '')?.[1];
  return seconds === undefined ? defaultMaxAgeMs : Math.min(Number(seconds) * 1000, longestMaxAgeMs);
}
