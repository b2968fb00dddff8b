import type { Transaction } from '@rostrum/data-access';
import type { Revocation, RevocationList } from '@rostrum/security';
import { RevocationsRepository } from './revocations.repository';

/** A token that is being made at this moment may still say what was true before. */
const underWayMs = 1_000;
/** Clocks differ a little, and the list must never be the first to forget. */
const marginMs = 60_000;
/** Whoever has the key goes on signing; a verifier that cannot reach us must not take it for good again. */
const keyRevokedMs = 30 * 86_400_000;

export interface RevocationsOptions {
  /** The list of this process, which knows at once. */
  list: Pick<RevocationList, 'add'>;
  /** Something has been revoked here: time to tell the others. */
  onRevoked: () => void;
  accessTtlSeconds: number;
}

/** Makes every service refuse access tokens before they expire, and close what was opened with them, within seconds. */
export class Revocations {
  constructor(private readonly options: RevocationsOptions) {}

  /** All tokens of these sessions. */
  async revokeSessions(trx: Transaction, sessionIds: readonly string[]): Promise<void> {
    await this.revoke(
      trx,
      sessionIds.map((id) => this.revocation('session', id, Date.now())),
    );
  }

  /** All tokens that a person has now. Their sessions go on and get them new ones. */
  async revokeUser(trx: Transaction, userId: string): Promise<void> {
    // Tokens that came right after the last time are dated ahead, to be told from those before: this must reach them.
    const lastIssue = await new RevocationsRepository(trx).lastIssueFor(userId);
    await this.revoke(trx, [
      this.revocation('subject', userId, Math.max(Date.now() + underWayMs, lastIssue)),
    ]);
  }

  /** Everything that a key has signed, whoever did it. */
  async revokeKey(trx: Transaction, keyId: string): Promise<void> {
    const at = Date.now();
    await this.revoke(trx, [{ kind: 'key', id: keyId, at, until: at + keyRevokedMs }]);
  }

  private async revoke(trx: Transaction, revocations: readonly Revocation[]): Promise<void> {
    if (revocations.length === 0) return;
    await new RevocationsRepository(trx).add(revocations);
    trx.onCommit(() => {
      this.options.list.add(revocations);
      this.options.onRevoked();
    });
  }

  private revocation(kind: 'session' | 'subject', id: string, at: number): Revocation {
    return { kind, id, at, until: at + this.options.accessTtlSeconds * 1000 + marginMs };
  }
}
