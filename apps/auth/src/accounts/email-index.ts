import { createHmac } from 'node:crypto';
import type { DerivedKey, Keyring } from '../secrets/keyring';

/** Finds people by their address, which stands nowhere that can be searched: by a hash that takes a secret to make. */
export class EmailIndex {
  private readonly keys: readonly DerivedKey[];

  constructor(keyring: Keyring) {
    this.keys = keyring.keysFor('email index').all;
  }

  /** What is stored with an address. */
  of(email: string): Buffer {
    return this.all(email)[0] as Buffer;
  }

  /** What may be stored with it, under each of our keys. */
  all(email: string): Buffer[] {
    const address = canonicalEmail(email);
    return this.keys.map(({ key }) => createHmac('sha256', key).update(address).digest());
  }
}

/** One mailbox is one address, however its case is written. What is before the @ is left alone: only its host knows more. */
export function canonicalEmail(email: string): string {
  return email.toLowerCase();
}
