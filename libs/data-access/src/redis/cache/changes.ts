import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { isAppError } from '@rostrum/errors';
import type { Redis } from '../redis';
import { noticedAfterMs } from './cache-link';
import type { CacheLinks } from './cache-links';
import { cacheScripts, runUnguarded } from './cache-scripts';

/** Longer than any transaction. A writer that dies leaves its fence: for so long the value is not cached. */
const fenceMs = 30_000;
const mostOwed = 10_000;
const paidAtOnce = 500;
const retryMs = 50;
const longestHoldMs = 2 * noticedAfterMs;
const nobody = Buffer.alloc(0);

export type OnChangeError = (error: unknown) => void;

/**
 * Makes changes known to Redis, so that after one is acknowledged nobody reads what was before it.
 *
 * Before the change the value is taken away and a fence put in its place, so that meanwhile everybody reads from where
 * the value comes from, and a writer that dies leaves nothing old behind. After it the fence is taken away. Where Redis
 * could not be told, it is owed: this process does not read the key from it, tells it as soon as it can, and holds the
 * change's acknowledgement back until it has, or until Redis has been away for so long that every process has noticed
 * and will not believe what stands there (`cache-link.ts`).
 */
export class CacheChanges {
  /** What Redis has not been told of yet, and whose fence may be there. */
  private readonly owed = new Map<string, Buffer>();
  private paying = false;

  constructor(
    private readonly redis: Redis,
    private readonly links: CacheLinks,
  ) {}

  isOwed(key: string): boolean {
    return this.owed.size > 0 && this.owed.has(key);
  }

  async around<T>(keys: readonly string[], work: () => Promise<T>, onError: OnChangeError): Promise<T> {
    const token = randomBytes(8);
    await this.fence(keys, token, onError);
    let result: T;
    try {
      result = await work();
    } catch (error) {
      // Whether a change that broke off took place is not always known. If so, it may still be to come: the fence stays.
      if (isRefusal(error)) await this.settle(keys, token, onError);
      else this.owe(keys, nobody);
      throw error;
    }
    await this.settle(keys, token, onError);
    return result;
  }

  /** For a change that has already taken place. */
  async after(keys: readonly string[], onError: OnChangeError): Promise<void> {
    await this.settle(keys, nobody, onError);
  }

  /** Tells Redis what it has not been told. */
  async payOwed(): Promise<void> {
    if (this.paying || this.owed.size === 0) return;
    this.paying = true;
    try {
      await this.clear([...this.owed].slice(0, paidAtOnce));
    } finally {
      this.paying = false;
    }
  }

  private async fence(keys: readonly string[], token: Buffer, onError: OnChangeError): Promise<void> {
    if (this.links.isStarting) await new Promise<void>((resolve) => this.links.whenStarted(resolve));
    try {
      const open = keys.filter((key) => this.links.of(key).isOpen);
      await Promise.all(
        open.map((key) => runUnguarded(this.redis, cacheScripts.fence, [key, token, fenceMs])),
      );
    } catch (error) {
      // What was not fenced is told of afterwards, which is as good unless this process dies before that.
      onError(error);
    }
  }

  private async settle(keys: readonly string[], token: Buffer, onError: OnChangeError): Promise<void> {
    let unsettled = await this.clear(keys.map((key) => [key, token]));
    if (unsettled.length === 0) return;
    this.owe(unsettled, token);
    onError(new Error(`Redis could not be told of ${unsettled.length} changes`));
    // A Redis that answers, but takes no writes, must not hold them up for ever.
    const giveUpAt = performance.now() + longestHoldMs;
    while (unsettled.length > 0 && performance.now() < giveUpAt) {
      unsettled = unsettled.filter(
        (key) => this.owed.has(key) && this.links.of(key).silentMs < noticedAfterMs,
      );
      if (unsettled.length === 0) return;
      await delay(retryMs);
      await this.clear(unsettled.map((key) => [key, token]));
    }
  }

  /** Resolves to what could not be told. */
  private async clear(fences: readonly [key: string, token: Buffer][]): Promise<string[]> {
    const outcomes = await Promise.allSettled(
      fences.map((fence) => runUnguarded(this.redis, cacheScripts.clear, fence)),
    );
    const untold: string[] = [];
    fences.forEach(([key], index) => {
      if (outcomes[index]?.status === 'rejected') untold.push(key);
      else this.owed.delete(key);
    });
    return untold;
  }

  private owe(keys: readonly string[], token: Buffer): void {
    for (const key of keys) {
      this.owed.set(key, token);
      if (this.owed.size <= mostOwed) continue;
      const [oldest = key] = this.owed.keys();
      this.owed.delete(oldest);
    }
  }
}

/** An answer to the caller, given instead of the change. */
function isRefusal(error: unknown): boolean {
  return isAppError(error) && error.status < 500;
}
