import type { Database, Transaction } from '@rostrum/data-access';
import type { AccessClaims } from '@rostrum/security';
import type { Write } from '@rostrum/service-kit';
import type { AuditOrigin } from '../audit/audit-event';
import type { UserKeys } from '../keys/user-keys';
import type { EndReason, Session } from './session';
import type { SessionEndings } from './session-endings';
import { placeOfAddress } from './session-starter';
import { sessionsErrors } from './sessions.errors';
import { SessionsRepository, type SessionChoice } from './sessions.repository';

export interface SessionsDependencies {
  database: Database;
  userKeys: Pick<UserKeys, 'open'>;
  endings: Pick<SessionEndings, 'end'>;
}

/** A session for its owner to see. */
export interface SessionView extends Omit<Session, 'addressSealed'> {
  address: string | null;
}

type Owner = Pick<AccessClaims, 'userId' | 'sessionId'>;

interface OwnEnding {
  choice: SessionChoice;
  reason: EndReason;
  from: AuditOrigin;
}

/** What people see of their sessions and do with them. */
export class SessionsService {
  constructor(private readonly dependencies: SessionsDependencies) {}

  async list(userId: string): Promise<SessionView[]> {
    const sessions = await new SessionsRepository(this.dependencies.database).list(userId);
    return Promise.all(
      sessions.map(async ({ addressSealed, ...session }) => ({
        ...session,
        address: addressSealed && (await this.openAddress(session, addressSealed)),
      })),
    );
  }

  async logout({ userId, sessionId }: Owner, from: AuditOrigin): Promise<void> {
    const choice = { userId, only: sessionId };
    await this.dependencies.database.transaction((trx) => this.end(trx, { choice, reason: 'logout', from }));
  }

  /** A session of somebody else is not there. */
  endOne(
    { userId }: Owner,
    { id, from }: { id: string; from: AuditOrigin },
    write: Write<void>,
  ): Promise<void> {
    return write(async (trx) => {
      const choice = { userId, only: id };
      const ended = await this.end(trx, { choice, reason: 'ended by its owner', from });
      if (ended === 0) throw sessionsErrors.notFound();
    });
  }

  endMany(
    { userId, sessionId }: Owner,
    { exceptCurrent, from }: { exceptCurrent: boolean; from: AuditOrigin },
    write: Write<number>,
  ): Promise<number> {
    const choice = { userId, except: exceptCurrent ? sessionId : undefined };
    return write((trx) => this.end(trx, { choice, reason: 'ended by its owner', from }));
  }

  private end(trx: Transaction, { choice, reason, from }: OwnEnding): Promise<number> {
    const actor = { kind: 'user' as const, id: choice.userId };
    return this.dependencies.endings.end(trx, { ...choice, reason, actor, from });
  }

  private async openAddress({ id, userId }: Pick<Session, 'id' | 'userId'>, sealed: Buffer) {
    const { database, userKeys } = this.dependencies;
    const place = placeOfAddress(id);
    return (await userKeys.open(database, userId, { sealed, place }))?.toString() ?? null;
  }
}
