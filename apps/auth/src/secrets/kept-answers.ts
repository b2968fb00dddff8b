import { createHmac } from 'node:crypto';
import { decryptBytes, encryptBytes } from '@rostrum/security';
import type { DerivedKeys, Keyring } from './keyring';

/**
 * What is kept of writes that can be repeated: answers have addresses in them, and what was asked for has passwords, so
 * that a bare hash of it could be tried against.
 */
export class KeptAnswers {
  private readonly keys: DerivedKeys;

  constructor(keyring: Keyring) {
    this.keys = keyring.keysFor('kept answer');
  }

  fingerprint(hash: Buffer): Buffer {
    return createHmac('sha256', this.keys.current.key).update(hash).digest();
  }

  seal(body: string, place: string): string {
    return encryptBytes(this.keys.current.bytes, Buffer.from(body), Buffer.from(place)).toString('base64');
  }

  /** Undefined where it was sealed with a secret that is not there any more. */
  open(sealed: string, place: string): string | undefined {
    const bytes = Buffer.from(sealed, 'base64');
    for (const key of this.keys.all) {
      try {
        return decryptBytes(key.bytes, bytes, Buffer.from(place)).toString();
      } catch {
        // Another version of the secret may fit.
      }
    }
    return undefined;
  }
}
