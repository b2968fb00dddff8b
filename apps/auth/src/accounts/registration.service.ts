import { userRegistered } from '@rostrum/contracts';
import type { Database } from '@rostrum/data-access';
import type { EventPublisher } from '@rostrum/service-kit';
import type { BusinessEvents } from '../business-events';
import type { PasswordHasher } from '../passwords/password-hasher';
import { newAccount, type Account, type Registration } from './account';
import { accountsErrors } from './accounts.errors';
import { AccountsRepository } from './accounts.repository';

export interface RegistrationDependencies {
  database: Pick<Database, 'transaction'>;
  publisher: EventPublisher;
  passwords: Pick<PasswordHasher, 'hash'>;
  events: Pick<BusinessEvents, 'userRegistered'>;
}

export class RegistrationService {
  constructor(private readonly dependencies: RegistrationDependencies) {}

  /** The hash is made first, and for names that turn out to be taken too: no connection is held while it is. */
  async register(registration: Registration, signal: AbortSignal): Promise<Account> {
    const { database, publisher, passwords, events } = this.dependencies;
    const passwordHash = await passwords.hash(registration.password, signal);
    const account = newAccount(registration);
    const { id, username, createdAt } = account;
    await database.transaction(async (trx) => {
      const isNew = await new AccountsRepository(trx).insert(account, passwordHash);
      if (!isNew) throw accountsErrors.exists();
      const payload = { userId: id, username, registeredAt: createdAt.toISOString() };
      await publisher.publish(trx, userRegistered, { key: id, payload });
      trx.onCommit(() => events.userRegistered(id));
    });
    return account;
  }
}
