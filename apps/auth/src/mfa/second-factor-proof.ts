import type { PasskeyAssertion } from '@rostrum/contracts';
import type { Database } from '@rostrum/data-access';
import type { AttemptGuard } from '../attempts/attempt-guard';
import type { AuditOrigin } from '../audit/audit-event';
import type { AuditLog } from '../audit/audit-log';
import type { BusinessEvents } from '../business-events';
import type { MailJobs } from '../mail/mail-jobs';
import type { PasskeyProof } from '../passkeys/passkey-proof';
import { mfaErrors } from './mfa.errors';
import type { RecoveryCodes } from './recovery-codes';
import type { TotpSecrets } from './totp-secrets';

/** What somebody shows. */
export type ShownFactor =
  { method: 'totp' | 'recovery-code'; code: string } | { method: 'passkey'; credential: PasskeyAssertion };

export interface FactorRequest {
  userId: string;
  shown: ShownFactor;
  /** What it is shown for, as it is written down. */
  purpose: 'sign-in' | 'step-up' | 'change';
  from: AuditOrigin;
  /** A device that its owner has signed in on before. */
  device?: string | undefined;
}

export interface SecondFactorProofDependencies {
  database: Database;
  factors: {
    totp: Pick<TotpSecrets, 'take'>;
    recovery: Pick<RecoveryCodes, 'use'>;
    passkeys: Pick<PasskeyProof, 'take'>;
  };
  guard: Pick<AttemptGuard, 'begin'>;
  effects: {
    audit: Pick<AuditLog, 'recordAlone' | 'record'>;
    mail: Pick<MailJobs, 'add'>;
    events: Pick<BusinessEvents, 'signInRefused'>;
  };
}

/** How a session says what was shown, in the words of RFC 8176. */
export const methodNames = { totp: 'otp', 'recovery-code': 'otp', passkey: 'hwk' } as const;

/**
 * Has somebody show a second factor. Six digits are few: tries are counted for the account, from wherever they come.
 * Only who has shown the password gets here, so that no stranger keeps anybody out with that.
 */
export class SecondFactorProof {
  constructor(private readonly dependencies: SecondFactorProofDependencies) {}

  async require(request: FactorRequest): Promise<void> {
    const { userId, device } = request;
    const attempt = await this.dependencies.guard.begin({
      name: `second factor ${userId}`,
      address: undefined,
      device: device && `second factor ${device}`,
    });
    let isRight = false;
    try {
      isRight = await this.take(request);
    } catch (error) {
      await attempt.end('abandoned');
      throw error;
    }
    await attempt.end(isRight ? 'succeeded' : 'failed');
    if (isRight) return;
    const { audit, events } = this.dependencies.effects;
    if (request.purpose === 'sign-in') events.signInRefused();
    await audit.recordAlone(entryOf(request, 'refused'));
    throw mfaErrors.wrong();
  }

  private async take(request: FactorRequest): Promise<boolean> {
    const { database, factors, effects } = this.dependencies;
    const { userId, shown } = request;
    if (shown.method !== 'recovery-code') {
      const isRight = await ('credential' in shown
        ? this.takePasskey(shown.credential, request)
        : factors.totp.take(userId, shown.code));
      if (isRight) await effects.audit.recordAlone(entryOf(request, 'succeeded'));
      return isRight;
    }
    return database.transaction(async (trx) => {
      if (!(await factors.recovery.use(trx, userId, shown.code))) return false;
      await effects.mail.add(trx, {
        kind: 'sign-in-changed',
        userId,
        details: { change: 'recovery-code-used' },
      });
      await effects.audit.record(trx, entryOf(request, 'succeeded'));
      return true;
    });
  }

  private async takePasskey(credential: PasskeyAssertion, { userId, from }: FactorRequest): Promise<boolean> {
    const { passkeys } = this.dependencies.factors;
    return !!(await passkeys.take({ kind: 'passkey-proof', credential, userId, from }));
  }
}

function entryOf({ userId, shown, purpose, from }: FactorRequest, result: 'succeeded' | 'refused') {
  return {
    action: 'second_factor.shown' as const,
    result,
    actor: { kind: 'user' as const, id: userId },
    subjectId: userId,
    details: { method: shown.method, purpose },
    from,
  };
}
