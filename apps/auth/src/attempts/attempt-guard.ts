import { createHmac } from 'node:crypto';
import type { DerivedKey, Keyring } from '../secrets/keyring';
import type { AttemptLimits, AttemptOutcome } from './attempt-rules';
import type { AttemptStore } from './attempt-store';
import { attemptsErrors } from './attempts.errors';
import { networkOf } from './network';

/** At what a password is tried, and from where. */
export interface AttemptAt {
  /** What was typed as the name, or who is signed in. Never looked up: unknown names count like known ones. */
  name: string;
  address: string | undefined;
  /** A device that its person has signed in on before. */
  device?: string | undefined;
}

/** Somebody is trying a password: it is to be said how it went. */
export interface Attempt {
  end(outcome: AttemptOutcome): Promise<void>;
}

export interface AttemptGuardOptions {
  shared: AttemptStore;
  /** In place of the shared one while that is away. */
  local: AttemptStore;
  limits: AttemptLimits;
  keyring: Keyring;
  onRefused?: () => void;
  onError?: (error: unknown) => void;
}

/**
 * How often an attempt looks whether one of the others under way has turned out well, and how long it waits in all.
 * Looks and not milliseconds: while this process itself stands still nobody else's turn goes by.
 */
const mostLooks = 40;
const lookAgainMs = 50;
const longestWaitMs = 20_000;
const mostWaiting = 64;
const deviceIsFree = 10;

/**
 * Slows down guessing, for each account and network by itself. Whoever comes from a device that was signed in on before
 * has a count of their own, so that nobody can keep them out; and no wait goes on for ever.
 */
export class AttemptGuard {
  private readonly key: DerivedKey;
  /** Those who wait for an attempt of this process to end, by key. */
  private readonly waiting = new Map<string, Set<() => void>>();

  constructor(private readonly options: AttemptGuardOptions) {
    this.key = options.keyring.keysFor('attempts').current;
  }

  /** Rejects with a 429 problem where it has to wait. */
  async begin({ name, address, device }: AttemptAt): Promise<Attempt> {
    const { limits } = this.options;
    if (device !== undefined) {
      const known = await this.tryToBegin(`device ${device}`, { ...limits, free: deviceIsFree });
      if ('end' in known) return known;
    }
    const attempt = await this.tryToBegin(`${networkOf(address)} ${name}`, limits);
    if ('end' in attempt) return attempt;
    this.options.onRefused?.();
    throw attemptsErrors.tooMany(attempt.waitMs);
  }

  private async tryToBegin(place: string, limits: AttemptLimits): Promise<Attempt | { waitMs: number }> {
    // What people type as their name is, now and then, their password.
    const key = createHmac('sha256', this.key.key).update(place).digest('base64url');
    const startedAt = performance.now();
    let looks = 0;
    for (;;) {
      const { store, verdict } = await this.ask(key, limits);
      if (verdict.allowed) return { end: (outcome) => this.end(store, key, { outcome, limits }) };
      const patient = looks < mostLooks && performance.now() - startedAt < longestWaitMs && this.hasRoom(key);
      if (verdict.because !== 'busy' || !patient) return { waitMs: verdict.waitMs };
      looks = (await this.untilOneEnds(key)) ? 0 : looks + 1;
    }
  }

  private async ask(key: string, limits: AttemptLimits) {
    const { shared, local, onError } = this.options;
    try {
      return { store: shared, verdict: await shared.begin(key, limits) };
    } catch (error) {
      onError?.(error);
      return { store: local, verdict: await local.begin(key, limits) };
    }
  }

  private async end(
    store: AttemptStore,
    key: string,
    { outcome, limits }: { outcome: AttemptOutcome; limits: AttemptLimits },
  ): Promise<void> {
    try {
      await store.end(key, outcome, limits);
    } catch (error) {
      this.options.onError?.(error);
      // It is still under way for the shared store, which forgets that in time; the failure must not be forgotten.
      if (outcome === 'failed') await this.options.local.end(key, outcome, limits);
    } finally {
      for (const look of this.waiting.get(key) ?? []) look();
    }
  }

  private hasRoom(key: string): boolean {
    return (this.waiting.get(key)?.size ?? 0) < mostWaiting;
  }

  /** Whether one has ended: an attempt of another process cannot tell us, so it is time to look again without that too. */
  private untilOneEnds(key: string): Promise<boolean> {
    return new Promise((resolve) => {
      const waiters = this.waiting.get(key) ?? new Set();
      this.waiting.set(key, waiters);
      const stop = (ended: boolean) => {
        clearTimeout(timer);
        waiters.delete(look);
        if (waiters.size === 0) this.waiting.delete(key);
        resolve(ended);
      };
      const look = () => stop(true);
      const timer = setTimeout(stop, lookAgainMs, false);
      waiters.add(look);
    });
  }
}
