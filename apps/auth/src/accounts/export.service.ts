import type { AccountExport } from '@rostrum/contracts';
import type { Database } from '@rostrum/data-access';
import type { AccessClaims } from '@rostrum/security';
import { PasswordsRepository } from '../passwords/passwords.repository';
import { toSessionBody } from '../sessions/session-replies';
import type { SessionsService } from '../sessions/sessions.service';
import { toAccountBody } from './account';
import { accountsErrors } from './accounts.errors';
import { AccountsRepository } from './accounts.repository';
import type { Addresses } from './addresses';

/** What people have done, or was done to them, as it was written down. */
export interface ActivityReader {
  activityOf(userId: string): Promise<AccountExport['activity']>;
}

export interface ExportDependencies {
  database: Database;
  addresses: Addresses;
  sessions: Pick<SessionsService, 'list'>;
  activity: ActivityReader;
}

/** Everything that this service keeps of somebody, for them to take along. */
export class ExportService {
  constructor(private readonly dependencies: ExportDependencies) {}

  async exportOf({ userId, sessionId }: Pick<AccessClaims, 'userId' | 'sessionId'>): Promise<AccountExport> {
    const { database, addresses, sessions, activity } = this.dependencies;
    const accounts = new AccountsRepository(database);
    const row = await accounts.find(userId);
    if (!row) throw accountsErrors.gone();
    const pending = await accounts.findPendingEmail(userId);
    const changedAt = await new PasswordsRepository(database).changedAt(userId);
    const listed = await sessions.list(userId);
    return {
      exportedAt: new Date().toISOString(),
      account: {
        ...toAccountBody(await addresses.read(database, row)),
        emailVerifiedAt: row.emailVerifiedAt?.toISOString() ?? null,
        pendingEmail: pending ? await addresses.open(database, userId, pending.sealed) : null,
        passwordChangedAt: changedAt?.toISOString() ?? null,
      },
      sessions: listed.map((session) => toSessionBody(session, sessionId)),
      activity: await activity.activityOf(userId),
    };
  }
}
