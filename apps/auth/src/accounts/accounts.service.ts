import type { Cache } from '@rostrum/data-access';
import { toAccountBody } from './account';
import { accountsErrors } from './accounts.errors';
import type { AccountsRepository } from './accounts.repository';

export class AccountsService {
  constructor(
    private readonly accounts: Pick<AccountsRepository, 'find'>,
    private readonly cache: Pick<Cache, 'getOrLoadBytes'>,
  ) {}

  /** The account as JSON, ready to be sent: from the cache, or from PostgreSQL where Redis has none or is not there. */
  async read(id: string): Promise<Buffer> {
    const json = await this.cache.getOrLoadBytes(id, () => this.load(id));
    if (!json) throw accountsErrors.gone();
    return json;
  }

  private async load(id: string): Promise<string | undefined> {
    const account = await this.accounts.find(id);
    return account && JSON.stringify(toAccountBody(account));
  }
}
