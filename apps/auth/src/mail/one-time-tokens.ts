import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Queryable } from '@rostrum/data-access';
import type { DerivedKey, Keyring } from '../secrets/keyring';
import { uuidBytes, uuidText } from '../secrets/uuid-bytes';
import { OneTimeTokensRepository, type TokenPurpose, type TokenFacts } from './one-time-tokens.repository';

const idBytes = 16;
const macBytes = 24;

export interface TokenOrder {
  /** The job of the mail that carries it: tried again, a mail has the same token. */
  id: string;
  userId: string;
  purpose: TokenPurpose;
  /** The address that it is for. */
  emailIndex: Buffer;
  seconds: number;
}

/** Tokens that go out by mail. What is stored of one is not enough to make it; each is for one use and one purpose. */
export class OneTimeTokens {
  private readonly keys: readonly DerivedKey[];

  constructor(keyring: Keyring) {
    this.keys = keyring.keysFor('mailed token').all;
  }

  async make(db: Queryable, { id, userId, purpose, emailIndex, seconds }: TokenOrder): Promise<string> {
    await new OneTimeTokensRepository(db).insert({ id, userId, purpose, emailIndex, seconds });
    const bytes = uuidBytes(id);
    const [newest] = this.keys as readonly [DerivedKey];
    return Buffer.concat([bytes, macOf(newest, bytes, purpose)]).toString('base64url');
  }

  /** What the token was for, once; undefined where it is none of ours, was used or is too old. */
  async use(db: Queryable, text: string, purposes: readonly TokenPurpose[]): Promise<TokenFacts | undefined> {
    const token = this.read(text, purposes);
    return token && new OneTimeTokensRepository(db).use(token.id, token.purpose);
  }

  /** The same without using it up. */
  async peek(
    db: Queryable,
    text: string,
    purposes: readonly TokenPurpose[],
  ): Promise<TokenFacts | undefined> {
    const token = this.read(text, purposes);
    return token && new OneTimeTokensRepository(db).peek(token.id, token.purpose);
  }

  private read(text: string, purposes: readonly TokenPurpose[]) {
    const bytes = Buffer.from(text, 'base64url');
    const [id, mac] = [bytes.subarray(0, idBytes), bytes.subarray(idBytes)];
    if (mac.length !== macBytes) return undefined;
    const purpose = purposes.find((each) =>
      this.keys.some((key) => timingSafeEqual(macOf(key, id, each), mac)),
    );
    return purpose && { id: uuidText(id), purpose };
  }
}

function macOf({ key }: DerivedKey, id: Buffer, purpose: TokenPurpose): Buffer {
  return createHmac('sha256', key).update(purpose).update('\n').update(id).digest().subarray(0, macBytes);
}
