import type { Transaction } from '@rostrum/data-access';
import { AccountsRepository } from '../accounts/accounts.repository';
import type { AuditOrigin } from '../audit/audit-event';
import type { AuditLog } from '../audit/audit-log';
import type { MailJobs } from '../mail/mail-jobs';
import { FactorsRepository } from './factors.repository';
import { methodsOf } from './factor-methods';
import type { RecoveryCodes } from './recovery-codes';
import { RecoveryCodesRepository } from './recovery-codes.repository';

/** What has changed about somebody's factors, for the audit log and for them. */
export interface FactorChange {
  action: `${string}.${string}`;
  /** As the mail about it is kept. */
  change: string;
  userId: string;
  target?: Readonly<Record<string, string>>;
  from: AuditOrigin;
}

/** What follows from a change of somebody's factors, whichever it was. */
export class FactorChanges {
  constructor(
    private readonly recovery: Pick<RecoveryCodes, 'renew'>,
    private readonly effects: { audit: Pick<AuditLog, 'record'>; mail: Pick<MailJobs, 'add'> },
  ) {}

  /**
   * Resolves to recovery codes, where there were none: whoever loses the factor gets in with them. A sign-in that has
   * looked before, and found no factor to ask for, ends in no session.
   */
  async added(trx: Transaction, change: FactorChange): Promise<string[] | undefined> {
    await new AccountsRepository(trx).raiseCredentialsVersion(change.userId);
    const { recoveryCodes } = await new FactorsRepository(trx).count(change.userId);
    const codes = recoveryCodes === 0 ? await this.recovery.renew(trx, change.userId) : undefined;
    await this.note(trx, change);
    return codes;
  }

  /** Codes that stand in for nothing would be a way in of their own later. */
  async removed(trx: Transaction, change: FactorChange): Promise<void> {
    const left = methodsOf(await new FactorsRepository(trx).count(change.userId));
    if (left.length === 0) await new RecoveryCodesRepository(trx).remove(change.userId);
    await this.note(trx, change);
  }

  async note(trx: Transaction, { change, userId, ...event }: FactorChange): Promise<void> {
    const { audit, mail } = this.effects;
    await mail.add(trx, { kind: 'sign-in-changed', userId, details: { change } });
    const actor = { kind: 'user' as const, id: userId };
    await audit.record(trx, { ...event, result: 'succeeded', actor, subjectId: userId });
  }
}
