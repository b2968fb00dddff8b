import type { AskForSignal } from '../../late-caller';
import type { Redis } from '../redis';
import type { CachePolicy, CachePolicyName } from './cache-policy';
import type { Missing } from './glance';
import type { LocalLayerOptions } from './local-layer';

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
  /** Told the keys of each change before it is acknowledged: for what has been made of what is cached. Never rejects. */
  onChange?: (keys: readonly string[]) => Promise<void>;
  hooks?: CacheHooks;
}

export interface ReadOptions<T> {
  /** For values that end by themselves: in how many seconds. Not cached beyond that, nor beyond the policy's time. */
  secondsLeft?: (value: T) => number;
  /**
   * Ends the wait with the signal's reason; and the load, if nobody else waits for it. Asked for only where it takes long:
   * a signal costs more than a hit, and a fifth of a load.
   */
  signal?: AskForSignal | undefined;
  /** What has just been found under the key, by a glance: it is not looked at again. */
  seen?: Missing | undefined;
}
