/**
 * What is no longer good before its time: all tokens of a session, the tokens that a user was given up to `at`
 * (`subject`), or everything that a key has signed.
 */
export interface Revocation {
  kind: 'session' | 'subject' | 'key';
  id: string;
  /** Milliseconds since 1970. */
  at: number;
  /** From then on all that it concerns has expired by itself. */
  until: number;
}

/** What a revocation can concern of a token. */
export interface RevocableToken {
  sessionId: string;
  userId: string;
  keyId: string;
  /** Seconds since 1970, as in the token. */
  issuedAt: number;
}

export interface RevocationListOptions {
  /** How many sessions and subjects are kept apart. */
  most?: number;
  /** There were more than that: every token issued up to the last of them is refused, and people get new ones. */
  onOverflow?: () => void;
  now?: () => number;
}

const tidyEveryMs = 60_000;

/**
 * All revocations that still matter, in memory: to check a token costs no I/O, and while nothing new was revoked one
 * comparison. It never forgets one that matters; rather than grow without bound it revokes more than it was asked to.
 */
export class RevocationList {
  private readonly sessions = new Map<string, Revocation>();
  private readonly subjects = new Map<string, Revocation>();
  private readonly keys = new Map<string, Revocation>();
  private readonly listeners = new Set<(added: readonly Revocation[]) => void>();
  private readonly most: number;
  private readonly now: () => number;
  private tidyAt = 0;
  private everything: { at: number; until: number } | undefined;
  /** Grows with each revocation: what was found good at this version need not be looked at again. */
  version = 0;

  constructor(private readonly options: RevocationListOptions = {}) {
    this.most = options.most ?? 200_000;
    this.now = options.now ?? Date.now;
  }

  /** Takes in what is new in a list, and tells the listeners of it. */
  add(revocations: readonly Revocation[]): void {
    const now = this.now();
    if (now >= this.tidyAt) this.tidy(now);
    const added = revocations.filter((revocation) => revocation.until > now && this.take(revocation));
    if (added.length === 0) return;
    this.version += 1;
    if (this.sessions.size + this.subjects.size > this.most) this.overflow();
    for (const listener of this.listeners) listener(added);
  }

  isRevoked(token: RevocableToken): boolean {
    const { sessionId, userId, keyId, issuedAt } = token;
    if (this.sessions.has(sessionId) || this.keys.has(keyId)) return true;
    return issuedAt * 1000 <= this.latestRefused(userId);
  }

  /** The first second in which a token for this user can be issued that is not refused already. */
  firstGoodSecond(userId: string): number {
    return Math.floor(this.latestRefused(userId) / 1000) + 1;
  }

  /** Calls back with what is added from now on; ends with the function that it returns. */
  onAdded(listener: (added: readonly Revocation[]) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  get size(): number {
    return this.sessions.size + this.subjects.size + this.keys.size;
  }

  private latestRefused(userId: string): number {
    return Math.max(this.subjects.get(userId)?.at ?? 0, this.everything?.at ?? 0);
  }

  private take(revocation: Revocation): boolean {
    const { kind, id, at, until } = revocation;
    if (kind !== 'key' && this.everything && this.everything.at >= at) return false;
    const of = this.mapOf(kind);
    const known = of.get(id);
    if (known && known.at >= at && known.until >= until) return false;
    of.set(id, revocation);
    return true;
  }

  private mapOf(kind: Revocation['kind']): Map<string, Revocation> {
    if (kind === 'session') return this.sessions;
    return kind === 'subject' ? this.subjects : this.keys;
  }

  /** No token of a revoked session is younger than its revocation, so that this covers all that it replaces. */
  private overflow(): void {
    const everything = { at: 0, until: 0 };
    for (const each of [this.sessions, this.subjects]) {
      for (const { at, until } of each.values()) {
        everything.at = Math.max(everything.at, at);
        everything.until = Math.max(everything.until, until);
      }
      each.clear();
    }
    this.everything = everything;
    this.options.onOverflow?.();
  }

  private tidy(now: number): void {
    this.tidyAt = now + tidyEveryMs;
    if (this.everything && this.everything.until <= now) this.everything = undefined;
    for (const each of [this.sessions, this.subjects, this.keys]) {
      for (const [id, { until }] of each) if (until <= now) each.delete(id);
    }
  }
}
