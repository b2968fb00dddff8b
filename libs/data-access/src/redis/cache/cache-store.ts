import type { Redis } from '../redis';
import { CacheChanges } from './changes';
import { CacheLinks } from './cache-links';
import { CacheReads } from './reads';

/** Redis is given up for a read after this; then it is asked nothing until it answers again. */
const readTimeoutMs = 100;

/** What all caches on one client share. */
export class CacheStore {
  readonly links: CacheLinks;
  readonly reads: CacheReads;
  readonly changes: CacheChanges;

  constructor(readonly redis: Redis) {
    this.links = new CacheLinks(redis, () => void this.changes.payOwed());
    this.reads = new CacheReads(redis, this.links, readTimeoutMs);
    this.changes = new CacheChanges(redis, this.links);
  }
}

const stores = new WeakMap<Redis, CacheStore>();

export function cacheStore(redis: Redis): CacheStore {
  let store = stores.get(redis);
  if (!store) {
    store = new CacheStore(redis);
    stores.set(redis, store);
  }
  return store;
}
