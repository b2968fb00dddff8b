import type { Transaction } from '@rostrum/data-access';
import type { AuditActor, AuditOrigin } from '../audit/audit-event';
import type { AuditLog } from '../audit/audit-log';
import type { BusinessEvents } from '../business-events';
import type { EndReason } from './session';
import { SessionsRepository, type SessionChoice } from './sessions.repository';

/** Makes every service refuse the access tokens of sessions that are over, and close their sockets. */
export interface SessionRevocations {
  revokeSessions(trx: Transaction, sessionIds: readonly string[]): Promise<void>;
}

export interface SessionEndingsDependencies {
  revocations: SessionRevocations;
  audit: Pick<AuditLog, 'record'>;
  events: Pick<BusinessEvents, 'sessionsEnded'>;
}

export interface Ending extends SessionChoice {
  reason: EndReason;
  actor: AuditActor;
  from?: AuditOrigin | undefined;
}

/** The one way in which sessions end before their time. */
export class SessionEndings {
  constructor(private readonly dependencies: SessionEndingsDependencies) {}

  /**
   * Once the transaction has committed, no token of these sessions is good for anything and no refresh that was under
   * way has brought one back. Resolves to how many there were.
   */
  async end(trx: Transaction, { reason, actor, from, ...choice }: Ending): Promise<number> {
    const { revocations, audit, events } = this.dependencies;
    const ids = await new SessionsRepository(trx).end(choice, reason);
    if (ids.length === 0) return 0;
    await revocations.revokeSessions(trx, ids);
    await audit.record(trx, {
      action: 'session.ended',
      result: 'succeeded',
      actor,
      subjectId: choice.userId,
      ...(ids.length === 1 && { target: { session: String(ids[0]) } }),
      details: { reason, count: ids.length },
      from,
    });
    trx.onCommit(() => events.sessionsEnded(reason, ids.length));
    return ids.length;
  }
}
