import type { Database, Transaction } from '@rostrum/data-access';
import { v7 as uuidv7 } from 'uuid';
import type { Account, AccountRow } from '../accounts/account';
import type { Addresses } from '../accounts/addresses';
import type { DeletionService } from '../accounts/deletion.service';
import type { AuditEntry, AuditOrigin } from '../audit/audit-event';
import type { AuditLog } from '../audit/audit-log';
import type { BusinessEvents } from '../business-events';
import { gatherCalls } from '../gathered-calls';
import type { PersonKey, UserKeys } from '../keys/user-keys';
import { describeClient } from './client-description';
import type { DeviceTokens, KnownDevice } from './device-tokens';
import { NotedSessions } from './noted-sessions';
import type { RefreshTokens } from './refresh-token';
import {
  newLifetime,
  type NewSession,
  type SessionLimits,
  type SessionMode,
  type TokenFacts,
} from './session';
import { SessionsRepository } from './sessions.repository';
import type { SessionTokens, SessionTokenSubject } from './session-tokens';
import { sessionsErrors } from './sessions.errors';

export interface SessionStarterDependencies {
  database: Database;
  tokens: { refresh: RefreshTokens; session: SessionTokens; device: DeviceTokens };
  people: {
    addresses: Addresses;
    userKeys: Pick<UserKeys, 'seal' | 'atHand'>;
    deletion: Pick<DeletionService, 'restore'>;
  };
  audit: Pick<AuditLog, 'record' | 'compose'>;
  events: Pick<BusinessEvents, 'userSignedIn' | 'suspendedSignIn' | 'signInRefused'>;
}

/** How somebody has shown who they are. */
export interface Proof {
  account: AccountRow;
  /** In the words of RFC 8176: `pwd`, `otp`, `hwk`. */
  methods: readonly string[];
  /** Whether there is another one to ask for, where that is known. */
  hasSecondFactor?: boolean;
  /** The person's own key, where it has been read. */
  sealedKey?: Buffer | null;
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
  private readonly noted: NotedSessions;
  /** For those who come together: answers that leave together bring the next requests together. */
  private readonly accessTokenFor;

  constructor(
    private readonly dependencies: SessionStarterDependencies,
    private readonly limits: SessionLimits,
  ) {
    const { database, tokens } = dependencies;
    this.noted = new NotedSessions(database);
    this.accessTokenFor = gatherCalls({
      all: (subjects: readonly SessionTokenSubject[]) =>
        Promise.all(subjects.map((subject) => tokens.session.accessTokenFor(subject))),
    });
  }

  async start(proof: Proof, { mode, from, device }: SignInPlace): Promise<SignedIn> {
    const { database, tokens, people, events } = this.dependencies;
    const { account, methods } = proof;
    if (account.suspendedAt) {
      events.suspendedSignIn(account.id);
      throw sessionsErrors.suspended();
    }
    const { id: sessionId, ...lifetime } = newLifetime(this.limits);
    const refresh = tokens.refresh.first(sessionId);
    const [tokenHash] = tokens.refresh.hashes(refresh) as [Buffer];
    const session = { id: sessionId, ...lifetime, userId: account.id, tokenHash, mode, methods };
    const key = await people.userKeys.atHand(database, account.id, proof.sealedKey);
    const begun = { ...session, client: describeClient(from.userAgent) };
    const known = device?.userId === account.id ? device : undefined;
    const facts = await this.begin(begun, { account, from, key, isKnownDevice: known !== undefined });
    // Between the check and now the password was changed, or the account suspended.
    if (!facts) throw this.refused();
    const { id: userId, username } = account;
    const { accessToken, csrfToken } = await this.accessTokenFor({
      ...{ sessionId, userId, username, mode },
      ...facts,
    });
    events.userSignedIn(account.id);
    return {
      account: await people.addresses.read(database, { ...account, roles: facts.roles }, key),
      mode,
      accessToken,
      refreshToken: tokens.refresh.write(refresh),
      csrfToken,
      deviceToken: tokens.device.issue(account.id, known),
      expiresIn: tokens.session.ttlSeconds,
      sessionExpiresAt: lifetime.expiresAt,
    };
  }

  private refused() {
    this.dependencies.events.signInRefused();
    return sessionsErrors.invalidCredentials();
  }

  /** Nearly always in one statement: it is what most of the time of a sign-in besides the hash would go into. */
  private async begin(
    session: BegunSession,
    { account, from, key, isKnownDevice }: Beginning,
  ): Promise<TokenFacts | undefined> {
    const { database, audit } = this.dependencies;
    if (!key || account.deletionRequestedAt)
      return database.transaction((trx) => this.beginInTransaction(trx, session, { account, from }));
    const place = placeOfAddress(session.id);
    const addressSealed = from.address === undefined ? undefined : key.seal({ plain: from.address, place });
    const event = await audit.compose(startOf(session, from), key);
    return this.noted.insert({
      session: { ...session, addressSealed },
      credentialsVersion: account.credentialsVersion,
      event,
      // Only an address that they have shown to be theirs is written to about it.
      mail: isKnownDevice || !account.emailVerified ? undefined : aboutNewDevice(session),
    });
  }

  private async beginInTransaction(
    trx: Transaction,
    session: BegunSession,
    { account, from }: Pick<Beginning, 'account' | 'from'>,
  ): Promise<TokenFacts | undefined> {
    const { people, audit } = this.dependencies;
    const { id, userId } = session;
    const addressSealed =
      from.address === undefined
        ? undefined
        : await people.userKeys.seal(trx, userId, { plain: from.address, place: placeOfAddress(id) });
    const facts = await new SessionsRepository(trx).insert(
      { ...session, addressSealed },
      account.credentialsVersion,
    );
    if (!facts) return undefined;
    if (account.deletionRequestedAt) await people.deletion.restore(trx, account.id, from);
    await audit.record(trx, startOf(session, from));
    return facts;
  }
}

type BegunSession = Omit<NewSession, 'addressSealed'>;

interface Beginning {
  account: AccountRow;
  from: AuditOrigin;
  key: PersonKey | undefined;
  isKnownDevice: boolean;
}

function startOf({ id, userId, methods, mode }: BegunSession, from: AuditOrigin): AuditEntry {
  return {
    action: 'session.started',
    result: 'succeeded',
    actor: { kind: 'user', id: userId },
    subjectId: userId,
    target: { session: id },
    details: { methods, mode },
    from,
  };
}

function aboutNewDevice({ client, createdAt }: BegunSession) {
  const at = `${createdAt.toISOString().slice(0, 16).replace('T', ' at ')} UTC`;
  return { id: uuidv7(), details: { client: client ?? 'an unknown client', at } };
}

/** Where the address stands that a session was begun from. */
export function placeOfAddress(sessionId: string) {
  return { table: 'sessions', column: 'address_sealed', row: sessionId };
}
