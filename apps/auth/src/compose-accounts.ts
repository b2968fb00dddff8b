import { availableParallelism } from 'node:os';
import type { Config } from '@rostrum/config';
import { createOutbox, type Database, type Redis } from '@rostrum/data-access';
import type { TokenSigner } from '@rostrum/security';
import {
  createEventPublisher,
  openCache,
  type BackgroundWork,
  type EventPublisher,
  type Kit,
  type RouteBinder,
} from '@rostrum/service-kit';
import type { passwordSettings, secretSettings, signInSettings } from './account-settings';
import { AccountSeal } from './accounts/account-document';
import { AccountsRepository } from './accounts/accounts.repository';
import { accountsRoutes } from './accounts/accounts.routes';
import { AccountsService } from './accounts/accounts.service';
import { Addresses } from './accounts/addresses';
import { DeletionService } from './accounts/deletion.service';
import { EmailsService } from './accounts/emails.service';
import { ExportService, type ActivityReader } from './accounts/export.service';
import { RegistrationService } from './accounts/registration.service';
import { SignInAccounts } from './accounts/sign-in-accounts';
import { AttemptGuard } from './attempts/attempt-guard';
import { LocalAttempts, RedisAttempts } from './attempts/attempt-store';
import type { AuditLog } from './audit/audit-log';
import { BackgroundTasks } from './background-tasks';
import { BusinessEvents } from './business-events';
import { composeSecondFactors } from './compose-second-factors';
import type { KeyVault } from './keys/key-vault';
import type { SigningKeys } from './keys/signing-keys';
import { MailJobs } from './mail/mail-jobs';
import { OneTimeTokens } from './mail/one-time-tokens';
import { RecentFactor } from './mfa/step-up.service';
import { OidcFlows } from './oidc/oidc-flows';
import { openOidcClients } from './oidc/open-oidc-clients';
import { oidcRoutes } from './oidc/oidc.routes';
import { OidcSignUpService } from './oidc/oidc-sign-up.service';
import { OidcService } from './oidc/oidc.service';
import { BoundedQueue } from './passwords/bounded-queue';
import { BreachedPasswordsClient } from './passwords/breached-passwords.client';
import { PasswordHasher } from './passwords/password-hasher';
import { PasswordPolicy } from './passwords/password-policy';
import { PasswordProof } from './passwords/password-proof';
import { PasswordRenewal } from './passwords/password-renewal';
import { passwordsRoutes } from './passwords/passwords.routes';
import { PasswordsService } from './passwords/passwords.service';
import { KeyedIndex } from './secrets/keyed-index';
import { Keyring } from './secrets/keyring';
import { DeviceTokens } from './sessions/device-tokens';
import { RefreshTokens } from './sessions/refresh-token';
import { RefreshService } from './sessions/refresh.service';
import type { SecondFactors } from './sessions/second-factors';
import { SessionEndings, type SessionRevocations } from './sessions/session-endings';
import { SessionStarter } from './sessions/session-starter';
import { SessionTokens } from './sessions/session-tokens';
import { sessionsRoutes } from './sessions/sessions.routes';
import { SessionsService } from './sessions/sessions.service';
import { SignInService } from './sessions/sign-in.service';

type AccountsConfig = Config<typeof secretSettings & typeof passwordSettings & typeof signInSettings>;

export interface AccountsSurroundings {
  database: Database;
  redis: Redis;
  keys: {
    vault: KeyVault;
    audit: AuditLog;
    revocations: SessionRevocations;
    signingKeys: SigningKeys;
    signer: TokenSigner;
  };
  /** What the audit log says of somebody. */
  activity: ActivityReader;
}

const forgetAttemptsMs = 3_600_000;
const breachedPasswordsTimeoutMs = 1_500;

/**
 * A hash goes through more memory than the processor's caches hold, and what comes after it finds nothing of itself
 * there. That takes two thirds longer for each by itself than for several at once. Those who wait for their turn in a
 * rush wait for some hundred milliseconds anyway.
 */
const hashesInCompany = { most: 12, holdMs: 90 };

/** Accounts, passwords and sessions, for the process that answers requests. */
export function composeAccounts(kit: Kit, config: AccountsConfig, surroundings: AccountsSurroundings) {
  const base = composeBase(kit, config, surroundings);
  const { keyring, addresses, effects, accounts } = base;
  const { database } = surroundings;
  const passwords = composePasswords(kit, config, { ...surroundings, ...base });
  const factors = composeSecondFactors(config, {
    database,
    userKeys: surroundings.keys.vault.userKeys,
    keyring,
    passwords,
    effects,
  });
  const secondFactors = factors.questions;
  const publisher = createEventPublisher(createOutbox({ database, schema: kit.service }));
  const sessions = composeSessions(config, { ...surroundings, ...base, publisher, passwords, secondFactors });
  const tokens = new OneTimeTokens(keyring);
  const { proof } = passwords;
  const people = { addresses, names: new KeyedIndex(keyring, 'retired username') };
  const registration = new RegistrationService({ database, publisher, people, passwords, effects });
  const emails = new EmailsService({ database, addresses, proof, tokens, effects });
  const changes = new PasswordsService({ database, addresses, passwords, tokens, effects });
  const { service: listed, deletion } = sessions;
  const exports = new ExportService({
    database,
    addresses,
    sessions: listed,
    activity: surroundings.activity,
  });
  const bindOidc = composeOidc(kit, config, { ...base, database, registration, factors, ...sessions });
  return {
    accounts,
    endings: effects.endings,
    starter: sessions.starter,
    work: sessions.work,
    routes: (binder: RouteBinder) => {
      const deleting = { proof, service: deletion };
      accountsRoutes(binder, { accounts, registration, emails, deletion: deleting, exports });
      sessionsRoutes(binder, { ...sessions.feature, allowedOrigins: kit.config.corsAllowedOrigins });
      passwordsRoutes(binder, changes);
      bindOidc(binder);
      factors.routes(binder, { starter: sessions.starter, devices: sessions.feature.tokens.device });
    },
  };
}

interface OidcParts extends Base {
  database: Database;
  registration: RegistrationService;
  factors: ReturnType<typeof composeSecondFactors>;
  starter: SessionStarter;
}

function composeOidc(kit: Kit, config: AccountsConfig, parts: OidcParts): (binder: RouteBinder) => void {
  const { database, keyring, addresses, effects, factors, registration, starter } = parts;
  const flows = new OidcFlows(database, openOidcClients(kit, config));
  const subjects = new KeyedIndex(keyring, 'identity');
  const { owner } = factors;
  const sessions = { starter, secondFactors: factors.questions };
  const service = new OidcService({ database, flows, subjects, sessions, notes: effects, owner });
  const signUp = new OidcSignUpService({
    database,
    flows,
    indexes: { subjects, emails: addresses.index },
    registration,
    effects: { starter, changes: owner.changes },
  });
  return (binder) => oidcRoutes(binder, service, signUp);
}

function composeBase(kit: Kit, config: AccountsConfig, { database, redis, keys }: AccountsSurroundings) {
  const keyring = new Keyring(config.authSecrets);
  const { userKeys, envelope } = keys.vault;
  const events = new BusinessEvents(kit);
  const addresses = new Addresses(userKeys, new KeyedIndex(keyring, 'email index'));
  const cache = openCache(kit, redis, { name: 'account', policy: 'profile' });
  const accounts = new AccountsService({ database, addresses, cache, seal: new AccountSeal(keyring) });
  const mail = new MailJobs(envelope);
  const { audit, revocations } = keys;
  const endings = new SessionEndings({ revocations, audit, events });
  const forget = (userId: string) => accounts.forget(userId);
  return { keyring, addresses, accounts, effects: { mail, audit, events, endings, forget } };
}

type Base = ReturnType<typeof composeBase>;

function composePasswords(
  kit: Kit,
  config: AccountsConfig,
  { database, redis, keyring, effects }: AccountsSurroundings & Base,
) {
  const { passwordHashMemoryKib: memoryKib, passwordHashPasses: passes } = config;
  const hasher = new PasswordHasher(openHashingQueue(kit, config), keyring, { memoryKib, passes });
  const guard = new AttemptGuard({
    shared: new RedisAttempts(redis),
    local: new LocalAttempts(),
    keyring,
    limits: {
      free: config.loginFreeFailures,
      firstDelayMs: config.loginFirstDelayMs,
      longestDelayMs: config.loginLongestDelayMs,
      forgetMs: forgetAttemptsMs,
    },
    onRefused: () => effects.events.signInDelayed(),
    onError: (error) => kit.logger.debug('Attempts are counted in this process alone', { error }),
  });
  return {
    hasher,
    guard,
    policy: openPasswordPolicy(kit, config),
    proof: new PasswordProof({
      accounts: new AccountsRepository(database),
      hasher,
      guard,
      recent: new RecentFactor(database),
    }),
    renewal: new PasswordRenewal(database, hasher),
  };
}

function openPasswordPolicy({ breakers, logger }: Kit, config: AccountsConfig): PasswordPolicy {
  const { breachedPasswordsUrl: url, breachedPasswordsRequired: onlineRequired } = config;
  const policy = breakers.openPolicy(
    { name: 'breached_passwords', timeoutMs: breachedPasswordsTimeoutMs },
    onlineRequired ? 'no password can be chosen' : 'the list that is built in is asked alone',
  );
  return new PasswordPolicy({
    online: url === undefined ? undefined : new BreachedPasswordsClient(url, policy),
    onlineRequired,
    onUnasked: (error) => logger.warn('The list of breached passwords could not be asked', { error }),
  });
}

/** Signing and looking up names use the same threads: one always stays free of hashing. */
function openHashingQueue({ metrics }: Kit, config: AccountsConfig): BoundedQueue {
  const wanted = config.passwordHashConcurrency ?? availableParallelism();
  const queue = new BoundedQueue({
    name: 'password_hashing',
    concurrency: Math.max(1, Math.min(wanted, config.threadPoolSize - 1)),
    maxWaiting: config.passwordHashQueue,
    company: hashesInCompany,
  });
  metrics.gauge('password_hashes', 'Passwords being hashed or waiting for it', {
    labelNames: ['state'],
    collect: (gauge) => {
      gauge.set({ state: 'active' }, queue.active);
      gauge.set({ state: 'waiting' }, queue.waiting);
    },
  });
  return queue;
}

interface SessionParts extends AccountsSurroundings, Base {
  publisher: EventPublisher;
  passwords: ReturnType<typeof composePasswords>;
  secondFactors: SecondFactors;
}

function composeSessions(config: AccountsConfig, parts: SessionParts) {
  const { database, keys, keyring, addresses, effects, publisher, passwords, secondFactors } = parts;
  const { endings, audit, events, mail, forget } = effects;
  const { userKeys } = keys.vault;
  const device = new DeviceTokens(keyring);
  const tokens = {
    refresh: new RefreshTokens(keyring),
    session: new SessionTokens(keys.signer, keys.signingKeys, keyring),
    device,
  };
  const background = new BackgroundTasks((error) => events.backgroundTaskFailed(error));
  const deletion = new DeletionService(
    { database, endings, notes: { audit, mail, publisher }, forget },
    config.accountDeletionGrace,
  );
  const limits = { idleSeconds: config.jwtRefreshTtl, totalSeconds: config.sessionMaxTtl };
  const people = { addresses, userKeys, deletion };
  const starter = new SessionStarter({ database, tokens, people, audit, events }, limits);
  const signIn = new SignInService({
    accounts: { find: new SignInAccounts(database), index: addresses.index },
    passwords,
    guard: passwords.guard,
    sessions: { starter, devices: device, secondFactors },
    notes: { audit, events, background },
  });
  const notices = { mail, events };
  const refresh = new RefreshService(
    { database, tokens: tokens.refresh, issue: tokens.session, endings, notices },
    config.jwtRefreshTtl,
  );
  const service = new SessionsService({ database, userKeys, endings });
  return {
    service,
    deletion,
    starter,
    feature: { signIn, refresh, sessions: service, tokens },
    work: untilIdle(background),
  };
}

/** What nobody waits for is still done before the connections are closed. */
function untilIdle(background: BackgroundTasks): BackgroundWork {
  return { name: 'background tasks', start: () => undefined, stop: () => background.idle() };
}
