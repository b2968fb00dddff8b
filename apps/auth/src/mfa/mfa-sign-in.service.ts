import type { Database } from '@rostrum/data-access';
import { AccountsRepository } from '../accounts/accounts.repository';
import type { AuditOrigin } from '../audit/audit-event';
import type { SessionStarter, SignedIn } from '../sessions/session-starter';
import type { PendingSignIn } from './factor-questions';
import { mfaErrors } from './mfa.errors';
import { PendingProofs } from './pending-proofs';
import { codeMethod, type SecondFactorProof, type ShownFactor } from './second-factor-proof';

export interface MfaSignInDependencies {
  database: Database;
  proof: SecondFactorProof;
  starter: Pick<SessionStarter, 'start'>;
}

/** Ends a sign-in that was asked for a second factor. */
export class MfaSignInService {
  constructor(private readonly dependencies: MfaSignInDependencies) {}

  /** A wrong factor leaves the question open; a right one ends it, whoever else has the token. */
  async finish(mfaToken: string, shown: ShownFactor, from: AuditOrigin): Promise<SignedIn> {
    const { database, proof, starter } = this.dependencies;
    const pending = new PendingProofs(database);
    const asked = await pending.find<PendingSignIn>('sign-in', mfaToken);
    if (!asked?.userId) throw mfaErrors.invalidToken();
    const { userId, state } = asked;
    const { device, mode, methods, credentialsVersion } = state;
    const known = device?.userId === userId ? device.id : undefined;
    await proof.require({ userId, shown, purpose: 'sign-in', from, device: known });
    const account = await new AccountsRepository(database).find(userId);
    if (!(await pending.take('sign-in', mfaToken)) || !account) throw mfaErrors.invalidToken();
    return starter.start(
      { account: { ...account, credentialsVersion }, methods: [...methods, codeMethod, 'mfa'] },
      { mode, from, device },
    );
  }
}
