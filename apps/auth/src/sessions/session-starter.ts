import type { Database, Transaction } from '@rostrum/data-access';
import type { Account, AccountRow } from '../accounts/account';
import type { Addresses } from '../accounts/addresses';
import type { DeletionService } from '../accounts/deletion.service';
import type { AuditOrigin } from '../audit/audit-event';
import type { AuditLog } from '../audit/audit-log';
import type { BusinessEvents } from '../business-events';
import type { UserKeys } from '../keys/user-keys';
import { describeClient } from './client-description';
import type { DeviceTokens, KnownDevice } from './device-tokens';
import type { RefreshTokens } from './refresh-token';
import { newLifetime, type NewSession, type SessionLimits, type SessionMode } from './session';
import { SessionsRepository } from './sessions.repository';
import type { SessionTokens } from './session-tokens';
import { sessionsErrors } from './sessions.errors';

export interface SessionStarterDependencies {
  database: Database;
  tokens: { refresh: RefreshTokens; session: SessionTokens; device: DeviceTokens };
  people: {
    addresses: Addresses;
    userKeys: Pick<UserKeys, 'seal'>;
    deletion: Pick<DeletionService, 'restore'>;
  };
  audit: Pick<AuditLog, 'record'>;
  events: Pick<BusinessEvents, 'userSignedIn' | 'suspendedSignIn'>;
}

/** How somebody has shown who they are. */
export interface Proof {
  account: AccountRow;
  /** In the words of RFC 8176: `pwd`, `otp`, `hwk`. */
  methods: readonly string[];
}

/** On what they have done so. */
export interface SignInPlace {
  mode: SessionMode;
  from: AuditOrigin;
  device: KnownDevice | undefined;
}

export interface SignedIn {
  account: Account;
  mode: SessionMode;
  accessToken: string;
  refreshToken: string;
  csrfToken: string | undefined;
  deviceToken: string;
  /** Of the access token. */
  expiresIn: number;
  sessionExpiresAt: Date;
}

/** Where every way to sign in ends: a session begins. */
export class SessionStarter {
  constructor(
    private readonly dependencies: SessionStarterDependencies,
    private readonly limits: SessionLimits,
  ) {}

  async start({ account, methods }: Proof, { mode, from, device }: SignInPlace): Promise<SignedIn> {
    const { database, tokens, people, events } = this.dependencies;
    if (account.suspendedAt) {
      events.suspendedSignIn(account.id);
      throw sessionsErrors.suspended();
    }
    const { id: sessionId, ...lifetime } = newLifetime(this.limits);
    const refresh = tokens.refresh.first(sessionId);
    const [tokenHash] = tokens.refresh.hashes(refresh) as [Buffer];
    const session = { id: sessionId, ...lifetime, userId: account.id, tokenHash, mode, methods };
    const client = describeClient(from.userAgent);
    await database.transaction((trx) => this.begin(trx, account, { ...session, client, from }));
    const subject = { sessionId, userId: account.id, username: account.username, roles: account.roles, mode };
    const { accessToken, csrfToken } = await tokens.session.accessTokenFor(subject);
    events.userSignedIn(account.id);
    return {
      account: await people.addresses.read(database, account),
      mode,
      accessToken,
      refreshToken: tokens.refresh.write(refresh),
      csrfToken,
      deviceToken: tokens.device.issue(account.id, device?.userId === account.id ? device : undefined),
      expiresIn: tokens.session.ttlSeconds,
      sessionExpiresAt: lifetime.expiresAt,
    };
  }

  private async begin(
    trx: Transaction,
    account: AccountRow,
    { from, ...session }: Omit<NewSession, 'addressSealed'> & { from: AuditOrigin },
  ): Promise<void> {
    const { people, audit } = this.dependencies;
    const addressSealed = from.address && (await this.sealAddress(trx, session, from.address));
    const isIn = await new SessionsRepository(trx).insert(
      { ...session, addressSealed: addressSealed || undefined },
      account.credentialsVersion,
    );
    // Between the check and now the password was changed, or the account suspended.
    if (!isIn) throw sessionsErrors.invalidCredentials();
    if (account.deletionRequestedAt) await people.deletion.restore(trx, account.id, from);
    await audit.record(trx, {
      action: 'session.started',
      result: 'succeeded',
      actor: { kind: 'user', id: account.id },
      subjectId: account.id,
      target: { session: session.id },
      details: { methods: session.methods, mode: session.mode },
      from,
    });
  }

  private sealAddress(trx: Transaction, { id, userId }: { id: string; userId: string }, address: string) {
    return this.dependencies.people.userKeys.seal(trx, userId, { plain: address, place: placeOfAddress(id) });
  }
}

/** Where the address stands that a session was begun from. */
export function placeOfAddress(sessionId: string) {
  return { table: 'sessions', column: 'address_sealed', row: sessionId };
}
