import { randomBytes } from 'node:crypto';
import type { Queryable, Transaction } from '@rostrum/data-access';
import {
  bindTexts,
  decryptBytes,
  encryptBytes,
  keyBytes,
  type Envelope,
  type Place,
} from '@rostrum/security';
import { LRUCache } from 'lru-cache';
import { UserKeysRepository } from './user-keys.repository';

const rememberedUsers = 10_000;
const rememberedMs = 60_000;

/**
 * A key of their own for what is kept of each person. Without it nothing of that can be read any more, wherever it
 * stands: to forget a person is to remove one row.
 */
export class UserKeys {
  private readonly remembered = new LRUCache<string, Buffer>({ max: rememberedUsers, ttl: rememberedMs });

  constructor(private readonly envelope: Pick<Envelope, 'seal' | 'open' | 'isStale' | 'reseal'>) {}

  /** Sealed so that it can be opened with the person's key and in this place alone. The key is made on first use. */
  async seal(trx: Transaction, userId: string, { plain, place }: SealedWhere): Promise<Buffer> {
    return encryptBytes(await this.keyOf(trx, userId), Buffer.from(plain), aboutUser(userId, place));
  }

  /** Undefined where the person has been forgotten. */
  async open(
    db: Queryable,
    userId: string,
    { sealed, place }: { sealed: Buffer; place: Place },
  ): Promise<Buffer | undefined> {
    const stored = await new UserKeysRepository(db).find(userId);
    return stored && decryptBytes(await this.unseal(userId, stored), sealed, aboutUser(userId, place));
  }

  /**
   * The person's key, to be used without asking PostgreSQL each time; undefined where there is none. `stored` is its
   * row, if somebody has read it already.
   */
  async atHand(db: Queryable, userId: string, stored?: Buffer | null): Promise<PersonKey | undefined> {
    let key = this.remembered.get(userId);
    if (!key) {
      const sealed = stored ?? (await new UserKeysRepository(db).find(userId));
      if (!sealed) return undefined;
      key = await this.unseal(userId, sealed);
      this.remembered.set(userId, key);
    }
    return new PersonKey(userId, key);
  }

  /** Forgets the person: whatever was sealed for them is noise from now on. */
  async forget(db: Queryable, userId: string): Promise<void> {
    await new UserKeysRepository(db).remove(userId);
    this.remembered.delete(userId);
  }

  private async keyOf(trx: Transaction, userId: string): Promise<Buffer> {
    const known = this.remembered.get(userId);
    if (known) return known;
    const keys = new UserKeysRepository(trx);
    const stored = (await keys.find(userId)) ?? (await this.make(keys, userId));
    const key = await this.unseal(userId, stored);
    if (await this.envelope.isStale(stored)) {
      await keys.replace(userId, {
        sealedKey: stored,
        anew: await this.envelope.reseal(stored, placeOf(userId)),
      });
    }
    // A key that was made in a transaction which is undone is in no table.
    trx.onCommit(() => this.remembered.set(userId, key));
    return key;
  }

  private async make(keys: UserKeysRepository, userId: string): Promise<Buffer> {
    return keys.add(userId, await this.envelope.seal(randomBytes(keyBytes), placeOf(userId)));
  }

  private unseal(userId: string, sealedKey: Buffer): Promise<Buffer> {
    return this.envelope.open(sealedKey, placeOf(userId));
  }
}

/** One person's key, at hand. */
export class PersonKey {
  constructor(
    private readonly userId: string,
    private readonly key: Buffer,
  ) {}

  seal({ plain, place }: SealedWhere): Buffer {
    return encryptBytes(this.key, Buffer.from(plain), aboutUser(this.userId, place));
  }

  open({ sealed, place }: { sealed: Buffer; place: Place }): Buffer {
    return decryptBytes(this.key, sealed, aboutUser(this.userId, place));
  }
}

export interface SealedWhere {
  plain: string;
  place: Place;
}

/** Where a person's own key stands. */
export function placeOf(userId: string): Place {
  return { table: 'user_keys', column: 'sealed_key', row: userId };
}

function aboutUser(userId: string, { table, column, row }: Place): Buffer {
  return bindTexts(userId, table, column, row);
}
