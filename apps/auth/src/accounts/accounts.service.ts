import type { Cache, Database } from '@rostrum/data-access';
import type { Account } from './account';
import { accountDocument, type AccountDocument, type AccountSeal } from './account-document';
import { accountsErrors } from './accounts.errors';
import { AccountsRepository } from './accounts.repository';
import type { Addresses } from './addresses';

export interface AccountsDependencies {
  database: Database;
  addresses: Addresses;
  cache: Pick<Cache, 'getOrLoadBytes' | 'invalidate'>;
  seal: AccountSeal;
}

export class AccountsService {
  constructor(private readonly dependencies: AccountsDependencies) {}

  /** The account, ready to be sent: from the cache, or from PostgreSQL where Redis has none or is not there. */
  async read(id: string): Promise<AccountDocument> {
    const { cache, seal } = this.dependencies;
    const sealed = await cache.getOrLoadBytes(id, async () =>
      seal.seal(id, accountDocument(await this.load(id))),
    );
    const document = sealed && seal.open(id, sealed);
    return document ?? accountDocument(await this.load(id));
  }

  /** The account as it is now. */
  async load(id: string): Promise<Account> {
    const { database, addresses } = this.dependencies;
    const row = await new AccountsRepository(database).find(id);
    if (!row) throw accountsErrors.gone();
    return addresses.read(database, row);
  }

  /** To be called when the account has changed. */
  async forget(id: string): Promise<void> {
    await this.dependencies.cache.invalidate(id);
  }
}
