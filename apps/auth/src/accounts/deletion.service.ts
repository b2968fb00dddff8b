import { userDeleted, userDeletionRequested, userDeletionWithdrawn } from '@rostrum/contracts';
import type { Database, Transaction } from '@rostrum/data-access';
import type { EventPublisher } from '@rostrum/service-kit';
import { assertNotLastAdmin } from '../admin/admin-guard';
import type { AuditOrigin } from '../audit/audit-event';
import type { AuditLog } from '../audit/audit-log';
import type { BusinessEvents } from '../business-events';
import type { UserKeys } from '../keys/user-keys';
import type { MailJobs } from '../mail/mail-jobs';
import type { KeyedIndex } from '../secrets/keyed-index';
import type { SessionEndings } from '../sessions/session-endings';
import { AccountsRepository } from './accounts.repository';
import type { Addresses } from './addresses';
import { DeletionRepository } from './deletion.repository';

export interface DeletionDependencies {
  database: Database;
  endings: Pick<SessionEndings, 'end'>;
  notes: { audit: Pick<AuditLog, 'record'>; mail: Pick<MailJobs, 'add'>; publisher: EventPublisher };
  /** Forgets what is cached of the account. */
  forget: (userId: string) => Promise<void>;
}

/** Deletes accounts in two steps: at once for everybody who looks, for good when the time to regret it is over. */
export class DeletionService {
  constructor(
    private readonly dependencies: DeletionDependencies,
    private readonly graceSeconds: number,
  ) {}

  /** Resolves to when the account will be gone for good. */
  async request(userId: string, from: AuditOrigin): Promise<Date> {
    const { database, forget } = this.dependencies;
    return database.transaction(async (trx) => {
      await assertNotLastAdmin(trx, userId);
      const asked = await new DeletionRepository(trx).request(userId, this.graceSeconds);
      const deletedAfter = asked ?? new Date(Date.now() + this.graceSeconds * 1000);
      await this.tellOfRequest(trx, userId, { deletedAfter: deletedAfter.toISOString(), from });
      trx.onCommit(() => forget(userId));
      return deletedAfter;
    });
  }

  /** Whoever signs in again wants to stay. */
  async restore(trx: Transaction, userId: string, from: AuditOrigin): Promise<void> {
    const { notes, forget } = this.dependencies;
    if (!(await new DeletionRepository(trx).withdraw(userId))) return;
    await notes.mail.add(trx, { kind: 'account-restored', userId });
    const payload = { userId, withdrawnAt: new Date().toISOString() };
    await notes.publisher.publish(trx, userDeletionWithdrawn, { key: userId, payload });
    trx.onCommit(() => forget(userId));
    await notes.audit.record(trx, {
      action: 'account.restored',
      result: 'succeeded',
      actor: { kind: 'user', id: userId },
      subjectId: userId,
      from,
    });
  }

  private async tellOfRequest(
    trx: Transaction,
    userId: string,
    { from, ...details }: { deletedAfter: string; from: AuditOrigin },
  ): Promise<void> {
    const { endings, notes } = this.dependencies;
    const actor = { kind: 'user' as const, id: userId };
    await notes.mail.add(trx, { kind: 'account-deletion', userId, details });
    const payload = { userId, requestedAt: new Date().toISOString() };
    await notes.publisher.publish(trx, userDeletionRequested, { key: userId, payload });
    await endings.end(trx, { userId, reason: 'account deleted', actor, from });
    await notes.audit.record(trx, {
      action: 'account.deletion-requested',
      result: 'succeeded',
      actor,
      subjectId: userId,
      details,
      from,
    });
  }
}

export interface PurgeDependencies {
  database: Database;
  publisher: EventPublisher;
  people: { addresses: Addresses; userKeys: Pick<UserKeys, 'forget'>; names: KeyedIndex };
  audit: Pick<AuditLog, 'record'>;
  notices: { mail: Pick<MailJobs, 'add'>; events: Pick<BusinessEvents, 'userDeleted'> };
}

/** Deletes for good those whose time is over. */
export class Purge {
  constructor(private readonly dependencies: PurgeDependencies) {}

  /** Resolves to whether there was anybody. */
  async purgeOne(): Promise<boolean> {
    return this.dependencies.database.transaction(async (trx) => {
      const due = await new DeletionRepository(trx).takeDue();
      if (!due) return false;
      await this.purge(trx, due);
      return true;
    });
  }

  private async purge(trx: Transaction, { id, username }: { id: string; username: string }): Promise<void> {
    const { publisher, people, audit, notices } = this.dependencies;
    await this.sayGoodbye(trx, id, username);
    const deletions = new DeletionRepository(trx);
    await deletions.retireName(people.names.of(username));
    await deletions.remove(id);
    // Whatever is left anywhere, in backups and in the audit log, cannot be read any more.
    await people.userKeys.forget(trx, id);
    await publisher.publish(trx, userDeleted, {
      key: id,
      payload: { userId: id, deletedAt: new Date().toISOString() },
    });
    trx.onCommit(() => notices.events.userDeleted(id));
    await audit.record(trx, {
      action: 'account.deleted',
      result: 'succeeded',
      actor: { kind: 'system', name: 'auth-worker' },
      subjectId: id,
    });
  }

  private async sayGoodbye(trx: Transaction, userId: string, username: string): Promise<void> {
    const { people, notices } = this.dependencies;
    const row = await new AccountsRepository(trx).find(userId);
    if (!row?.emailVerified) return;
    const { email } = await people.addresses.read(trx, row);
    await notices.mail.add(trx, { kind: 'account-deleted', to: email, details: { username } });
  }
}
