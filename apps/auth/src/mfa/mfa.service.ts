import type { Database } from '@rostrum/data-access';
import type { AttemptGuard } from '../attempts/attempt-guard';
import type { AuditOrigin } from '../audit/audit-event';
import type { FactorChanges } from './factor-changes';
import { FactorsRepository, type FactorCounts } from './factors.repository';
import { methodsOf } from './factor-methods';
import { mfaErrors } from './mfa.errors';
import type { OwnerProof, OwnerProofBody, OwnerRequest } from './owner-proof';
import type { RecoveryCodes } from './recovery-codes';
import type { SessionOwner } from './step-up.service';
import type { TotpSecrets } from './totp-secrets';
import { TotpRepository } from './totp.repository';

export interface MfaDependencies {
  database: Database;
  factors: { totp: TotpSecrets; recovery: RecoveryCodes };
  proof: OwnerProof;
  guard: Pick<AttemptGuard, 'begin'>;
  changes: FactorChanges;
}

const enrolled = { action: 'totp.enrolled', change: 'totp-added' } as const;

/** People's second factors: the app, and the codes on paper. */
export class MfaService {
  constructor(private readonly dependencies: MfaDependencies) {}

  counts({ userId }: Pick<SessionOwner, 'userId'>): Promise<FactorCounts> {
    return new FactorsRepository(this.dependencies.database).count(userId);
  }

  async enrol(password: string, request: OwnerRequest): Promise<string> {
    const { database, proof, factors } = this.dependencies;
    await proof.require({ password }, request);
    return database.transaction((trx) => factors.totp.begin(trx, request.owner.userId));
  }

  /** Resolves to recovery codes, where these are the first. */
  async confirm(code: string, { userId }: SessionOwner, from: AuditOrigin): Promise<string[] | undefined> {
    const { database, factors, guard, changes } = this.dependencies;
    const attempt = await guard.begin({ name: `second factor ${userId}`, address: undefined });
    let isRight = false;
    try {
      const codes = await database.transaction(async (trx) => {
        await new FactorsRepository(trx).lock(userId);
        isRight = await factors.totp.confirm(trx, userId, code);
        return isRight ? changes.added(trx, { ...enrolled, userId, from }) : undefined;
      });
      await attempt.end(isRight ? 'succeeded' : 'failed');
      if (isRight) return codes;
    } catch (error) {
      await attempt.end('abandoned');
      throw error;
    }
    throw mfaErrors.wrong();
  }

  async disableTotp(shown: OwnerProofBody, request: OwnerRequest): Promise<void> {
    const { database, proof, changes } = this.dependencies;
    const { owner, from } = request;
    await proof.require(shown, request);
    await database.transaction(async (trx) => {
      await new FactorsRepository(trx).lock(owner.userId);
      if (!(await new TotpRepository(trx).remove(owner.userId))) throw mfaErrors.totpNotEnrolled();
      await changes.removed(trx, {
        action: 'totp.removed',
        change: 'totp-removed',
        userId: owner.userId,
        from,
      });
    });
  }

  async renewCodes(shown: OwnerProofBody, request: OwnerRequest): Promise<string[]> {
    const { database, proof, factors, changes } = this.dependencies;
    const { owner, from } = request;
    await proof.require(shown, request);
    return database.transaction(async (trx) => {
      const all = new FactorsRepository(trx);
      await all.lock(owner.userId);
      if (methodsOf(await all.count(owner.userId)).length === 0) throw mfaErrors.noSecondFactor();
      const codes = await factors.recovery.renew(trx, owner.userId);
      const change = { action: 'recovery_codes.renewed', change: 'recovery-codes-renewed' } as const;
      await changes.note(trx, { ...change, userId: owner.userId, from });
      return codes;
    });
  }
}
