import type { AuditOrigin } from '../audit/audit-event';
import type { PasswordProof } from '../passwords/password-proof';
import type { SecondFactorProof, ShownFactor } from './second-factor-proof';
import type { SessionOwner } from './step-up.service';

/** The password, or a code of a factor. */
export type OwnerProofBody = { password: string } | ShownFactor;

export interface OwnerRequest {
  owner: SessionOwner;
  from: AuditOrigin;
  signal: AbortSignal;
}

export interface OwnerProofDependencies {
  password: Pick<PasswordProof, 'require'>;
  factor: Pick<SecondFactorProof, 'require'>;
}

/** Has somebody who is signed in show that they may change their factors: with a code, or what the password adds to a recent one. */
export class OwnerProof {
  constructor(private readonly dependencies: OwnerProofDependencies) {}

  async require(proof: OwnerProofBody, { owner, from, signal }: OwnerRequest): Promise<void> {
    const { password, factor } = this.dependencies;
    const { userId } = owner;
    if ('method' in proof) return factor.require({ userId, shown: proof, purpose: 'change', from });
    await password.require({ ...owner, password: proof.password, from, signal });
  }
}
