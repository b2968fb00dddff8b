import type { AccountExport } from '@rostrum/contracts';
import type { Database } from '@rostrum/data-access';
import type { AccessClaims } from '@rostrum/security';
import { toFactorsBody } from '../mfa/factor-methods';
import { FactorsRepository } from '../mfa/factors.repository';
import { IdentitiesRepository } from '../oidc/identities.repository';
import { toIdentityBody } from '../oidc/identity';
import { toPasskeyBody } from '../passkeys/passkey';
import { PasskeysRepository } from '../passkeys/passkeys.repository';
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
      ...(await this.signInMeansOf(userId)),
      activity: await activity.activityOf(userId),
    };
  }

  /** What somebody signs in with besides their password. */
  private async signInMeansOf(userId: string) {
    const { database } = this.dependencies;
    const passkeys = await new PasskeysRepository(database).list(userId);
    const identities = await new IdentitiesRepository(database).list(userId);
    return {
      secondFactors: toFactorsBody(await new FactorsRepository(database).count(userId)),
      passkeys: passkeys.map(toPasskeyBody),
      identities: identities.map(toIdentityBody),
    };
  }
}
