import { setTimeout as delay } from 'node:timers/promises';
import { LateCaller, type AskForSignal } from '../../late-caller';
import type { CacheLink } from './cache-link';
import { cacheScripts, runScript } from './cache-scripts';
import type { CacheStore } from './cache-store';
import { headOf, holdsValue, isFence, isFresh, leaseOf, packEntry, valueOf } from './entry';
import { newToken, type Lease } from './lease';
import type { LeaseHolder, LeaseRenewal } from './lease-renewal';
import type { LoadLimit } from './load-limit';
import type { Reader } from './reads';

export type Value = string | Buffer | undefined;

/** `abandoned` asks for a signal, which fires when nobody waits for the value any more. */
export type Load<T> = (abandoned: AskForSignal) => Promise<T>;

export interface FlightPlan {
  store: CacheStore;
  limit: LoadLimit;
  key: string;
  load: Load<Value>;
  /** For how long the loaded value is fresh, and for how long it is kept; undefined: it is not cached. */
  timesOf: (value: Value) => { freshMs: number; keptMs: number } | undefined;
  renewal: LeaseRenewal;
  onFillError: (error: unknown) => void;
}

/** What the reader who set off has seen. */
export interface Sight {
  entry: Buffer | null;
  link: CacheLink;
  /** They have been given it along with what they saw. */
  lease?: Lease | undefined;
}

const firstPollMs = 5;
const lastPollMs = 50;
/** In leases: by then, the death of a holder has been noticed and somebody else has loaded. */
const patience = 3;

/** One way to a value, which all may share who set off before its load began, or know its lease to hold still. */
export class Flight implements LeaseHolder {
  /** From here on, the load may see less than somebody who sets off now must see. */
  private loading = false;
  private token: string | undefined;
  private waiting = 0;
  /** Made where it is asked for: to make one takes as long as to ask Redis for a value. */
  private ending: AbortController | undefined;
  private readonly outcome: Promise<Buffer | undefined>;

  constructor(
    private readonly plan: FlightPlan,
    /** Undefined where Redis is not asked. */
    sight: Sight | undefined,
    /** One that is under way to the same value, and could not be shared. */
    private before: Flight | undefined,
  ) {
    if (sight?.lease) this.outcome = this.withLease(sight.lease);
    else this.outcome = sight ? this.byWayOfRedis(sight) : this.pastRedis();
    // Else each would keep the one before it, and so all that ever were.
    if (before) this.whenOver(() => (this.before = undefined));
  }

  /** Runs the action when it is over, in one way or the other. */
  whenOver(action: () => void): void {
    this.outcome.then(action, action);
  }

  /** Waits for the value. Whoever may give up does so with the signal's reason; when all have, the load is given up. */
  join(signal: AskForSignal | undefined): Promise<Buffer | undefined> {
    this.waiting += 1;
    if (!signal) return this.outcome;
    return new Promise((resolve, reject) => {
      const caller = new LateCaller(signal, (reason) => {
        reject(reason);
        this.waiting -= 1;
        if (this.waiting === 0) this.end().abort(reason);
      });
      this.outcome.then(resolve, reject);
      this.whenOver(() => caller.end());
    });
  }

  /** A lease that stands in Redis has not been ended by any change since it was taken. */
  canBeShared(sight: Sight | undefined): boolean {
    if (this.ending?.signal.aborted) return false;
    // Who has been given a lease is waited for, and must load.
    if (sight?.lease) return sight.lease.token === this.token;
    if (!this.loading) return true;
    const lease = sight && leaseOf(sight.entry, sight.link.now());
    return lease !== undefined && lease === this.token;
  }

  /** Goes on holding the lease. */
  renew(): void {
    void this.tell('renew', this.plan.renewal.leaseMs);
  }

  private async byWayOfRedis({ entry, link }: Sight): Promise<Buffer | undefined> {
    const giveUpAt = performance.now() + patience * this.plan.renewal.leaseMs;
    let seen: Buffer | null = entry;
    let pollMs = firstPollMs;
    // Somebody who is changing the value has put up a fence: what is read now may be overtaken before it is put in.
    while (!(seen !== null && isFence(seen)) && performance.now() < giveUpAt) {
      if (leaseOf(seen, link.now()) === undefined) {
        const lease = await this.lease(seen, link);
        if (lease === undefined) break;
        if ('stamp' in lease) return this.withLease(lease);
        seen = lease.entry;
      } else {
        await delay(pollMs);
        pollMs = Math.min(2 * pollMs, lastPollMs);
        const again = await this.look();
        if (again === undefined) break;
        seen = again.entry;
      }
      if (seen !== null && isFresh(seen, link)) return valueOf(seen);
    }
    return this.pastRedis();
  }

  /** Nothing is remembered, and nothing is known of changes: whoever sets off while it loads waits for the next. */
  private async pastRedis(): Promise<Buffer | undefined> {
    await this.before?.outcome.catch(() => undefined);
    return toBuffer(await this.load());
  }

  private async withLease(lease: Lease): Promise<Buffer | undefined> {
    const { store, key, renewal, timesOf, onFillError } = this.plan;
    this.token = lease.token;
    renewal.begin(this);
    try {
      const value = await this.load();
      const times = timesOf(value);
      if (times) {
        const entry = packEntry(lease, lease.stamp + times.freshMs, value);
        store.fills.ask(key, [entry, times.keptMs]).catch(onFillError);
        return valueOf(entry);
      }
      void this.tell('release');
      return toBuffer(value);
    } catch (error) {
      void this.tell('release');
      throw error;
    } finally {
      renewal.end(this);
    }
  }

  private tell(script: 'renew' | 'release', ...args: number[]): Promise<unknown> {
    const { store, key, onFillError } = this.plan;
    return runScript(store.redis, cacheScripts[script], [key, this.token ?? '', ...args]).catch(onFillError);
  }

  private load(): Promise<Value> {
    return this.plan.limit.run(() => {
      this.ending?.signal.throwIfAborted();
      this.loading = true;
      return this.plan.load(this.abandoned);
    });
  }

  private readonly abandoned: AskForSignal = () => this.end().signal;

  private end(): AbortController {
    return (this.ending ??= new AbortController());
  }

  /** The right to fill in a value, or what stands there; undefined: Redis does not say. */
  private async lease(
    seen: Buffer | null,
    link: CacheLink,
  ): Promise<Lease | { entry: Buffer | null } | undefined> {
    const { store, key, renewal } = this.plan;
    const token = newToken();
    const { life: tag } = link;
    const keep = seen !== null && holdsValue(seen) && link.believes(seen) ? 1 : 0;
    try {
      const reply = await store.leases.ask(key, [headOf(seen), token, renewal.leaseMs, keep]);
      if (typeof reply === 'number') return { token, stamp: reply, tag };
      return { entry: Buffer.isBuffer(reply) ? reply : null };
    } catch (error) {
      this.plan.onFillError(error);
      return undefined;
    }
  }

  private look(): Promise<{ entry: Buffer | null } | undefined> {
    return new Promise((resolve) => {
      const reader: Reader = {
        next: undefined,
        onEntry: (entry) => resolve({ entry }),
        onSilence: () => resolve(undefined),
      };
      this.plan.store.reads.read(this.plan.key, reader);
    });
  }
}

function toBuffer(value: Value): Buffer | undefined {
  return typeof value === 'string' ? Buffer.from(value) : value;
}
