import type { Database, Transaction } from '@rostrum/data-access';
import type { Addresses } from './addresses';
import { OldAddressesRepository } from './old-addresses.repository';

/** Seals addresses in rows from before they were sealed. */
export class OldAddresses {
  constructor(
    private readonly database: Database,
    private readonly addresses: Pick<Addresses, 'seal'>,
  ) {}

  /** Resolves to whether there was one. */
  sealOne(): Promise<boolean> {
    return this.database.transaction(async (trx: Transaction) => {
      const rows = new OldAddressesRepository(trx);
      const row = await rows.take();
      if (!row) return false;
      await rows.replace(row.id, await this.addresses.seal(trx, row.id, row.email));
      return true;
    });
  }
}
