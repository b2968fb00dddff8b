import type { Redis } from '../redis';
import { originOf } from '../redis-connections';
import { CacheChanges } from './changes';
import { CacheLinks } from './cache-links';
import { cacheScripts } from './cache-scripts';
import { GatheredScript } from './gathered-script';
import { CacheReads } from './reads';

/** A read gives Redis up sooner than a command would: it has somewhere else to go. By default after 100 ms. */
const shareOfCommandTimeout = 0.4;

/** What all caches on one client share. */
export class CacheStore {
  readonly links: CacheLinks;
  readonly reads: CacheReads;
  readonly changes: CacheChanges;
  readonly readTimeoutMs: number;
  /** Of all loads of a turn. */
  readonly leases: GatheredScript;
  readonly fills: GatheredScript;

  constructor(readonly redis: Redis) {
    this.links = new CacheLinks(redis, () => void this.changes.payOwed());
    this.readTimeoutMs = shareOfCommandTimeout * originOf(redis).commandTimeoutMs;
    this.reads = new CacheReads(redis, this.links, this.readTimeoutMs);
    this.changes = new CacheChanges(redis, this.links);
    this.leases = new GatheredScript(redis, cacheScripts.lease);
    this.fills = new GatheredScript(redis, cacheScripts.fill);
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
