import type { Database } from '@rostrum/data-access';
import { AccountsRepository } from '../accounts/accounts.repository';
import type { AuditOrigin } from '../audit/audit-event';
import type { PasskeyProof } from '../passkeys/passkey-proof';
import type { SessionStarter, SignedIn } from '../sessions/session-starter';
import type { PendingSignIn } from './factor-questions';
import { mfaErrors } from './mfa.errors';
import { PendingProofs } from './pending-proofs';
import { methodNames, type SecondFactorProof, type ShownFactor } from './second-factor-proof';

export interface MfaSignInDependencies {
  database: Database;
  proof: SecondFactorProof;
  passkeys: Pick<PasskeyProof, 'ask'>;
  starter: Pick<SessionStarter, 'start'>;
}

/** Ends a sign-in that was asked for a second factor. */
export class MfaSignInService {
  constructor(private readonly dependencies: MfaSignInDependencies) {}

  /** What a browser is asked to sign with a passkey. */
  async askForPasskey(mfaToken: string) {
    const { database, passkeys } = this.dependencies;
    const asked = await new PendingProofs(database).find('sign-in', mfaToken);
    if (!asked?.userId) throw mfaErrors.invalidToken();
    return passkeys.ask(asked.userId);
  }

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
      {
        account: { ...account, credentialsVersion },
        methods: [...methods, methodNames[shown.method], 'mfa'],
      },
      { mode, from, device },
    );
  }
}
