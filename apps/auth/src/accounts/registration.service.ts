import { userRegistered } from '@rostrum/contracts';
import type { Database, Transaction } from '@rostrum/data-access';
import type { EventPublisher, Write } from '@rostrum/service-kit';
import type { AuditOrigin } from '../audit/audit-event';
import type { AuditLog } from '../audit/audit-log';
import type { BusinessEvents } from '../business-events';
import { atEvenTime } from '../even-times';
import type { MailJobs } from '../mail/mail-jobs';
import { saltOf, type PasswordHasher } from '../passwords/password-hasher';
import type { PasswordPolicy } from '../passwords/password-policy';
import type { KeyedIndex } from '../secrets/keyed-index';
import { newAccount, type Account, type Registration, type StoredPassword } from './account';
import { accountsErrors } from './accounts.errors';
import { AccountsRepository } from './accounts.repository';
import type { Addresses } from './addresses';
import { isReservedUsername } from './username-policy';

export interface RegistrationDependencies {
  database: Database;
  publisher: EventPublisher;
  people: { addresses: Addresses; names: KeyedIndex };
  passwords: { hasher: Pick<PasswordHasher, 'hash'>; policy: PasswordPolicy };
  effects: {
    mail: Pick<MailJobs, 'add'>;
    audit: Pick<AuditLog, 'record'>;
    events: Pick<BusinessEvents, 'userRegistered'>;
  };
}

interface RequestFacts {
  from: AuditOrigin;
  signal: AbortSignal;
}

/**
 * Makes accounts. Whether somebody has one with this address already makes no difference to whoever asks: they get an
 * account that claims the address, can be used as any other, and can never show that the address is its own. The owner
 * is told by mail.
 */
export class RegistrationService {
  constructor(private readonly dependencies: RegistrationDependencies) {}

  register(registration: Registration, how: RequestFacts, write: Write<Account>): Promise<Account> {
    return atEvenTime(() => this.make(registration, how, write));
  }

  /** The hash is made first, and for names that turn out to be taken too: no connection is held while it is. */
  private async make(
    registration: Registration,
    { from, signal }: RequestFacts,
    write: Write<Account>,
  ): Promise<Account> {
    const { people, passwords, database } = this.dependencies;
    const { email, username, password } = registration;
    if (isReservedUsername(username)) throw accountsErrors.usernameTaken();
    await passwords.policy.assertFit(password, { email, username });
    // Those who claim one address share a salt, so that one hash is enough to find who of them is signing in.
    const first = await new AccountsRepository(database).findFirstHash({
      email,
      indexes: people.addresses.index.all(email),
    });
    const salt = first === undefined ? undefined : saltOf(first);
    const hashed = await passwords.hasher.hash(password, { salt, signal });
    return write((trx) => this.insert(trx, newAccount(registration), { password: hashed, from }));
  }

  private async insert(
    trx: Transaction,
    account: Account,
    { password, from }: { password: StoredPassword; from: AuditOrigin },
  ): Promise<Account> {
    const { publisher, people, effects } = this.dependencies;
    const { id, username, email, createdAt } = account;
    const address = await people.addresses.seal(trx, id, email);
    const nameIndexes = people.names.all(username);
    const isNew = await new AccountsRepository(trx).insert({ account, address, password, nameIndexes });
    if (!isNew) throw accountsErrors.usernameTaken();
    const payload = { userId: id, username, registeredAt: createdAt.toISOString() };
    await publisher.publish(trx, userRegistered, { key: id, payload });
    await effects.mail.add(trx, { kind: 'verify-email', userId: id });
    trx.onCommit(() => effects.events.userRegistered(id));
    await effects.audit.record(trx, {
      action: 'account.registered',
      result: 'succeeded',
      actor: { kind: 'user', id },
      subjectId: id,
      from,
    });
    return account;
  }
}
