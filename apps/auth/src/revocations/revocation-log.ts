import { randomUUID } from 'node:crypto';
import type { Revocation, RevocationList } from '@rostrum/security';

interface LogEntry {
  learnedAt: number;
  revocation: Revocation;
}

/** What this process knows of revocations, in the order in which it learned of them. */
export class RevocationLog {
  /** Cursors of another process, or of this one before it was started anew, mean nothing here. */
  private readonly epoch = randomUUID();
  private entries: LogEntry[] = [];

  constructor(
    list: Pick<RevocationList, 'onAdded'>,
    private readonly now: () => number = () => performance.now(),
  ) {
    list.onAdded((added) => {
      const learnedAt = this.now();
      for (const revocation of added) this.entries.push({ learnedAt, revocation });
    });
  }

  /** What was learned after the cursor; all of it where the cursor is not from here. */
  since(cursor: string | undefined): { cursor: string; revocations: Revocation[] } {
    this.forgetExpired();
    const [epoch, position] = cursor?.split('/') ?? [];
    const after = epoch === this.epoch ? Number(position) : -Infinity;
    // An entry and a cursor may be of one moment, so that one is told again.
    const known = this.entries.filter(({ learnedAt }) => !(learnedAt < after));
    return {
      cursor: `${this.epoch}/${this.now()}`,
      revocations: known.map(({ revocation }) => revocation),
    };
  }

  /** What was learned in the last so many seconds. */
  latest(seconds: number): Revocation[] {
    const after = this.now() - seconds * 1000;
    const old = this.entries.findLastIndex(({ learnedAt }) => learnedAt < after);
    return this.entries.slice(old + 1).map(({ revocation }) => revocation);
  }

  private forgetExpired(): void {
    const now = Date.now();
    this.entries = this.entries.filter(({ revocation }) => revocation.until > now);
  }
}
