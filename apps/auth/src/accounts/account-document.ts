import { decryptBytes, encryptBytes } from '@rostrum/security';
import { entityTag } from '@rostrum/service-kit';
import type { DerivedKey, Keyring } from '../secrets/keyring';
import { toAccountBody, type Account } from './account';

/** Raised when the JSON of an account changes its shape, so that no client keeps an old one for the new. */
const shape = 1;

const openingBrace = '{'.charCodeAt(0);

/** An account as it is sent to its owner. */
export interface AccountDocument {
  etag: string;
  json: Buffer;
}

export function accountDocument(account: Account): AccountDocument {
  return {
    etag: entityTag(`${shape}.${account.version}`),
    json: Buffer.from(JSON.stringify(toAccountBody(account))),
  };
}

/** Seals accounts for the cache, which others could read too: the address in it is nobody else's business. */
export class AccountSeal {
  private readonly key: DerivedKey;

  constructor(keyring: Keyring) {
    this.key = keyring.keysFor('cached account').current;
  }

  seal(id: string, { etag, json }: AccountDocument): Buffer {
    return encryptBytes(this.key.key, Buffer.concat([Buffer.from(etag), json]), Buffer.from(id));
  }

  /** Undefined where it cannot be opened: the secret has another version by now. */
  open(id: string, sealed: Buffer): AccountDocument | undefined {
    try {
      const plain = decryptBytes(this.key.key, sealed, Buffer.from(id));
      const start = plain.indexOf(openingBrace);
      return { etag: plain.toString('latin1', 0, start), json: plain.subarray(start) };
    } catch {
      return undefined;
    }
  }
}
