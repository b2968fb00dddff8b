import type { Database } from '@rostrum/data-access';
import type { SecondFactors } from '../sessions/second-factors';
import type { Proof, SignInPlace } from '../sessions/session-starter';
import type { MfaChallenge } from '../sessions/sign-in.service';
import { FactorsRepository } from './factors.repository';
import { methodsOf } from './factor-methods';
import { PendingProofs } from './pending-proofs';

/** A sign-in that waits for a second factor: all that its session will be made of. */
export interface PendingSignIn extends Pick<SignInPlace, 'mode'> {
  methods: readonly string[];
  /** As it was when the first factor was right: a password that was changed since starts no session. */
  credentialsVersion: number;
  device?: SignInPlace['device'];
}

const answerSeconds = 300;

/** Asks for a second factor wherever there is one. */
export class FactorQuestions implements SecondFactors {
  constructor(private readonly database: Database) {}

  async challenge(
    { account, methods, hasSecondFactor }: Proof,
    { mode, device }: SignInPlace,
  ): Promise<MfaChallenge | undefined> {
    if (hasSecondFactor === false) return undefined;
    const available = methodsOf(await new FactorsRepository(this.database).count(account.id));
    if (available.length === 0) return undefined;
    const { credentialsVersion } = account;
    const state: PendingSignIn = { mode, methods, credentialsVersion, device };
    const mfaToken = await new PendingProofs(this.database).begin({
      kind: 'sign-in',
      userId: account.id,
      state,
      seconds: answerSeconds,
    });
    return { mfaToken, methods: available };
  }
}
