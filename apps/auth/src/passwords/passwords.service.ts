import type { Database, Transaction } from '@rostrum/data-access';
import type { AccessClaims } from '@rostrum/security';
import type { AccountWithPassword } from '../accounts/account';
import { accountsErrors } from '../accounts/accounts.errors';
import { AccountsRepository } from '../accounts/accounts.repository';
import type { Addresses } from '../accounts/addresses';
import type { AuditOrigin } from '../audit/audit-event';
import type { AuditLog } from '../audit/audit-log';
import type { BusinessEvents } from '../business-events';
import { atEvenTime } from '../even-times';
import type { MailJobs } from '../mail/mail-jobs';
import type { OneTimeTokens } from '../mail/one-time-tokens';
import { OneTimeTokensRepository } from '../mail/one-time-tokens.repository';
import type { SessionEndings } from '../sessions/session-endings';
import { saltOf, type PasswordHasher } from './password-hasher';
import type { PasswordPolicy } from './password-policy';
import type { PasswordProof } from './password-proof';
import { PasswordsRepository } from './passwords.repository';

export interface PasswordsDependencies {
  database: Database;
  addresses: Addresses;
  passwords: { hasher: PasswordHasher; policy: PasswordPolicy; proof: PasswordProof };
  tokens: OneTimeTokens;
  effects: {
    endings: Pick<SessionEndings, 'end'>;
    audit: Pick<AuditLog, 'record'>;
    mail: Pick<MailJobs, 'add'>;
    events: Pick<BusinessEvents, 'passwordChanged'>;
    /** Forgets what is cached of the account. */
    forget: (userId: string) => Promise<void>;
  };
}

export interface PasswordChange {
  currentPassword: string;
  newPassword: string;
}

export interface PasswordReset {
  token: string;
  password: string;
}

export interface RequestFacts {
  from: AuditOrigin;
  signal: AbortSignal;
}

/** Changes passwords: by the old one, or by a mail. */
export class PasswordsService {
  constructor(private readonly dependencies: PasswordsDependencies) {}

  async change(
    { userId, sessionId }: Pick<AccessClaims, 'userId' | 'sessionId'>,
    { currentPassword, newPassword }: PasswordChange,
    { from, signal }: RequestFacts,
  ): Promise<void> {
    const { database, passwords } = this.dependencies;
    const found = await passwords.proof.require({
      userId,
      sessionId,
      password: currentPassword,
      from,
      signal,
    });
    const chosen = await this.hashChosen(found, newPassword, signal);
    await database.transaction((trx) =>
      this.set(trx, userId, { how: 'changed', chosen, except: sessionId, from }),
    );
  }

  /** The same work whoever asks, and whomever for: whether there is such an account the worker finds out. */
  forgot(email: string): Promise<void> {
    const { database, addresses, effects } = this.dependencies;
    const emailIndex = addresses.index.of(email);
    return atEvenTime(() => effects.mail.add(database, { kind: 'reset-password', emailIndex }));
  }

  /** The token is used up only if all goes well: who chose an unfit password may try again with it. */
  async reset({ token, password }: PasswordReset, { from, signal }: RequestFacts): Promise<void> {
    const { database, tokens, effects } = this.dependencies;
    const about = await tokens.peek(database, token, ['reset-password']);
    const found = about && (await new AccountsRepository(database).findWithPassword(about.userId));
    if (!found) throw accountsErrors.invalidToken();
    const chosen = await this.hashChosen(found, password, signal);
    await database.transaction(async (trx) => {
      const used = await tokens.use(trx, token, ['reset-password']);
      if (!used) throw accountsErrors.invalidToken();
      // Whoever reads the mail of the address has shown that it is theirs.
      await new AccountsRepository(trx).verifyEmail(used.userId, used.emailIndex);
      trx.onCommit(() => effects.forget(used.userId));
      await this.set(trx, used.userId, { how: 'reset', chosen, from });
    });
  }

  private async hashChosen({ account, password }: AccountWithPassword, chosen: string, signal: AbortSignal) {
    const { database, addresses, passwords } = this.dependencies;
    const { email, username } = await addresses.read(database, account);
    await passwords.policy.assertFit(chosen, { email, username });
    // Those who claim one address keep one salt, so that one hash is enough to find who of them it is.
    return passwords.hasher.hash(chosen, { salt: saltOf(password.hash), signal });
  }

  private async set(
    trx: Transaction,
    userId: string,
    { how, chosen, except, from }: ChosenPassword,
  ): Promise<void> {
    const { endings, audit, mail, events } = this.dependencies.effects;
    await new AccountsRepository(trx).raiseCredentialsVersion(userId);
    await new PasswordsRepository(trx).set(userId, chosen);
    await new OneTimeTokensRepository(trx).voidAll(userId, 'reset-password');
    await mail.add(trx, { kind: 'password-changed', userId });
    const actor = { kind: 'user' as const, id: userId };
    const reason = how === 'changed' ? 'password changed' : 'password reset';
    await endings.end(trx, { userId, except, reason, actor, from });
    trx.onCommit(() => events.passwordChanged(how, userId));
    await audit.record(trx, {
      action: `password.${how}`,
      result: 'succeeded',
      actor,
      subjectId: userId,
      from,
    });
  }
}

interface ChosenPassword {
  how: 'changed' | 'reset';
  chosen: Awaited<ReturnType<PasswordHasher['hash']>>;
  except?: string;
  from: AuditOrigin;
}
