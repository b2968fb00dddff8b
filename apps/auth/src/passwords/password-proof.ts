import type { AccountWithPassword } from '../accounts/account';
import { accountsErrors } from '../accounts/accounts.errors';
import type { AccountsRepository } from '../accounts/accounts.repository';
import type { AttemptGuard } from '../attempts/attempt-guard';
import type { AuditOrigin } from '../audit/audit-event';
import type { RecentFactor } from '../mfa/step-up.service';
import type { PasswordHasher } from './password-hasher';
import { passwordsErrors } from './passwords.errors';

export interface PasswordProofDependencies {
  accounts: Pick<AccountsRepository, 'findWithPassword'>;
  hasher: Pick<PasswordHasher, 'verify'>;
  guard: Pick<AttemptGuard, 'begin'>;
  recent: Pick<RecentFactor, 'require'>;
}

export interface ProofRequest {
  userId: string;
  sessionId: string;
  password: string;
  from: AuditOrigin;
  signal: AbortSignal;
}

/**
 * Has somebody who is signed in show that they know the password: who found an open browser does not. Whoever has a
 * second factor must have shown that too, not long ago.
 */
export class PasswordProof {
  constructor(private readonly dependencies: PasswordProofDependencies) {}

  /** Guesses count here as they do for signing in. */
  async require({ userId, sessionId, password, from, signal }: ProofRequest): Promise<AccountWithPassword> {
    const { accounts, hasher, guard, recent } = this.dependencies;
    const found = await accounts.findWithPassword(userId);
    if (!found || found.account.deletionRequestedAt) throw accountsErrors.gone();
    await recent.require({ userId, sessionId });
    const attempt = await guard.begin({ name: `user ${userId}`, address: from.address });
    let isRight = false;
    try {
      isRight = (await hasher.verify(password, [found.password], signal)) !== undefined;
    } catch (error) {
      await attempt.end('abandoned');
      throw error;
    }
    await attempt.end(isRight ? 'succeeded' : 'failed');
    if (!isRight) throw passwordsErrors.wrong();
    return found;
  }
}
