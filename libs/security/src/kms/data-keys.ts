import { randomBytes, randomUUID } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { keyBytes } from './aes-gcm';
import type { KeyContext, Kms, WrappedKey } from './kms';

/** A data key as its row. */
export interface StoredDataKey extends WrappedKey {
  id: string;
}

/** Where wrapped data keys are kept. */
export interface DataKeyStore {
  /** The newest key, which encrypts. */
  newest(): Promise<StoredDataKey | undefined>;
  find(id: string): Promise<StoredDataKey | undefined>;
  /** Adds the key, unless `replaces` is no longer the newest one; resolves to the newest one. */
  add(key: StoredDataKey, replaces: string | undefined): Promise<StoredDataKey>;
}

export interface DataKeysOptions {
  kms: Kms;
  store: DataKeyStore;
  /** Names whose keys these are; bound to each of them. */
  context: KeyContext;
  /** How many unwrapped keys are kept in memory. */
  remember?: number;
  /** For how long the newest key is taken for the newest without looking. */
  freshMs?: number;
  /** Looking for a newer key has failed; the known one goes on encrypting. */
  onError?: (error: unknown) => void;
  now?: () => number;
}

export interface DataKey {
  id: string;
  key: Buffer;
}

/**
 * The keys that data is encrypted with: made here, wrapped by the keeper of master keys, remembered unwrapped within
 * bounds. Rotated while everything runs: other processes see a newer key within `freshMs`, old ones stay readable.
 */
export class DataKeys {
  private readonly unwrapped: LRUCache<string, Promise<Buffer>>;
  private readonly freshMs: number;
  private readonly now: () => number;
  private newest: { key: DataKey; until: number } | undefined;
  private looking: Promise<DataKey> | undefined;

  constructor(private readonly options: DataKeysOptions) {
    this.unwrapped = new LRUCache({ max: options.remember ?? 100 });
    this.freshMs = options.freshMs ?? 60_000;
    this.now = options.now ?? Date.now;
  }

  /** The key that encrypts now; made when there is none yet. Nobody who has one waits for a newer one. */
  async current(): Promise<DataKey> {
    const { newest } = this;
    if (newest && newest.until > this.now()) return newest.key;
    this.looking ??= this.look().finally(() => (this.looking = undefined));
    if (!newest) return this.looking;
    this.looking.catch((error: unknown) => {
      newest.until = this.now() + this.freshMs / 10;
      this.options.onError?.(error);
    });
    return newest.key;
  }

  /** The key that something was encrypted with. */
  async find(id: string): Promise<Buffer> {
    const known = this.unwrapped.get(id);
    if (known) return known;
    const stored = await this.options.store.find(id);
    if (!stored) throw new Error(`There is no data key ${id}`);
    return this.unwrap(stored);
  }

  /** Makes a new key, which encrypts from now on. */
  async rotate(): Promise<DataKey> {
    const before = await this.options.store.newest();
    return this.adopt(await this.options.store.add(await this.make(), before?.id));
  }

  /** The same key under the master key that wraps now. */
  async rewrap(stored: StoredDataKey): Promise<StoredDataKey> {
    const key = await this.unwrap(stored);
    return { id: stored.id, ...(await this.options.kms.wrap(key, this.contextOf(stored.id))) };
  }

  private async look(): Promise<DataKey> {
    const { store } = this.options;
    return this.adopt((await store.newest()) ?? (await store.add(await this.make(), undefined)));
  }

  private async adopt(stored: StoredDataKey): Promise<DataKey> {
    const key = { id: stored.id, key: await this.unwrap(stored) };
    this.newest = { key, until: this.now() + this.freshMs };
    return key;
  }

  private async make(): Promise<StoredDataKey> {
    const id = randomUUID();
    const wrapped = await this.options.kms.wrap(randomBytes(keyBytes), this.contextOf(id));
    return { id, ...wrapped };
  }

  private unwrap(stored: StoredDataKey): Promise<Buffer> {
    const known = this.unwrapped.get(stored.id);
    if (known) return known;
    const key = this.options.kms.unwrap(stored, this.contextOf(stored.id));
    this.unwrapped.set(stored.id, key);
    // A failure is not remembered.
    key.catch(() => this.unwrapped.delete(stored.id));
    return key;
  }

  private contextOf(keyId: string): KeyContext {
    return { ...this.options.context, keyId };
  }
}
