import type { Database } from '@rostrum/data-access';
import type { AccessClaims } from '@rostrum/security';
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
    await this.end(userId, { choice: { userId, only: sessionId }, reason: 'logout', from });
  }

  /** A session of somebody else is not there. */
  async endOne({ userId }: Owner, sessionId: string, from: AuditOrigin): Promise<void> {
    const choice = { userId, only: sessionId };
    const ended = await this.end(userId, { choice, reason: 'ended by its owner', from });
    if (ended === 0) throw sessionsErrors.notFound();
  }

  async endMany({ userId, sessionId }: Owner, exceptCurrent: boolean, from: AuditOrigin): Promise<number> {
    const choice = { userId, except: exceptCurrent ? sessionId : undefined };
    return this.end(userId, { choice, reason: 'ended by its owner', from });
  }

  private end(
    userId: string,
    { choice, reason, from }: { choice: SessionChoice; reason: EndReason; from: AuditOrigin },
  ): Promise<number> {
    const { database, endings } = this.dependencies;
    const actor = { kind: 'user' as const, id: userId };
    return database.transaction((trx) => endings.end(trx, { ...choice, reason, actor, from }));
  }

  private async openAddress({ id, userId }: Pick<Session, 'id' | 'userId'>, sealed: Buffer) {
    const { database, userKeys } = this.dependencies;
    const place = placeOfAddress(id);
    return (await userKeys.open(database, userId, { sealed, place }))?.toString() ?? null;
  }
}
