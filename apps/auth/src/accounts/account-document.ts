import { decryptBytes, encryptBytes } from '@rostrum/security';
import { entityTag } from '@rostrum/service-kit';
import { LRUCache } from 'lru-cache';
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

/** What was opened, and what it was opened from. */
interface Opened {
  sealed: Buffer;
  document: AccountDocument;
}

const mostRemembered = 10_000;

/**
 * Seals accounts for the cache, which others could read too: the address in it is nobody else's business. To open one
 * costs as much as all the rest of a cached answer, so what was opened is remembered with what it was opened from: the
 * cache decides which version counts, and the memory only saves opening the same one again.
 */
export class AccountSeal {
  private readonly key: DerivedKey;
  private readonly remembered = new LRUCache<string, Opened>({ max: mostRemembered });

  constructor(keyring: Keyring) {
    this.key = keyring.keysFor('cached account').current;
  }

  seal(id: string, { etag, json }: AccountDocument): Buffer {
    return encryptBytes(this.key.bytes, Buffer.concat([Buffer.from(etag), json]), Buffer.from(id));
  }

  /** Undefined where it cannot be opened: the secret has another version by now. */
  open(id: string, sealed: Buffer): AccountDocument | undefined {
    const known = this.remembered.get(id);
    if (known?.sealed.equals(sealed)) return known.document;
    try {
      const plain = decryptBytes(this.key.bytes, sealed, Buffer.from(id));
      const start = plain.indexOf(openingBrace);
      const document = { etag: plain.toString('latin1', 0, start), json: plain.subarray(start) };
      // A copy: the original may be a part of a far larger reply of Redis, which it would keep alive.
      this.remembered.set(id, { sealed: Buffer.from(sealed), document });
      return document;
    } catch {
      return undefined;
    }
  }
}
