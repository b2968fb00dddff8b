import type { Queryable, Transaction } from '@rostrum/data-access';
import type { PersonKey, UserKeys } from '../keys/user-keys';
import type { Account, AccountRow } from './account';
import { accountsErrors } from './accounts.errors';
import type { KeyedIndex } from '../secrets/keyed-index';

/** An address as it is stored. */
export interface SealedAddress {
  sealed: Buffer;
  index: Buffer;
}

/** Seals people's addresses, each with the key of its person, and opens them again. */
export class Addresses {
  constructor(
    private readonly userKeys: Pick<UserKeys, 'seal' | 'open'>,
    readonly index: KeyedIndex,
  ) {}

  async seal(trx: Transaction, userId: string, email: string): Promise<SealedAddress> {
    const sealed = await this.userKeys.seal(trx, userId, { plain: email, place: placeOf(userId) });
    return { sealed, index: this.index.of(email) };
  }

  async open(db: Queryable, userId: string, sealed: Buffer): Promise<string> {
    const plain = await this.userKeys.open(db, userId, { sealed, place: placeOf(userId) });
    if (!plain) throw accountsErrors.gone();
    return plain.toString();
  }

  /** The account with its address, for its owner. */
  async read(db: Queryable, row: AccountRow, key?: Pick<PersonKey, 'open'>): Promise<Account> {
    const { id, emailVerified, username, roles, createdAt, version } = row;
    const sealed = row.emailSealed;
    const opened = sealed && key?.open({ sealed, place: placeOf(id) }).toString();
    const email = opened ?? (sealed ? await this.open(db, id, sealed) : row.email);
    if (email === null) throw accountsErrors.gone();
    return { id, email, emailVerified, username, roles, createdAt, version };
  }
}

/** A new address stands in the same place as the old one, so that it can be moved there. */
function placeOf(userId: string) {
  return { table: 'users', column: 'email', row: userId };
}
