import { createHmac } from 'node:crypto';
import type { DerivedKey, Keyring, KeyPurpose } from './keyring';

/** Finds something that stands nowhere in clear, by a hash that takes a secret to make. */
export class KeyedIndex {
  private readonly keys: readonly DerivedKey[];

  constructor(keyring: Keyring, purpose: KeyPurpose) {
    this.keys = keyring.keysFor(purpose).all;
  }

  /** What is stored now. */
  of(text: string): Buffer {
    return this.all(text)[0] as Buffer;
  }

  /** What may be stored, under each version of the secret. */
  all(text: string): Buffer[] {
    return this.keys.map(({ key }) => createHmac('sha256', key).update(text).digest());
  }
}
