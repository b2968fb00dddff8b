import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { createSigningKey, type Envelope, type Place } from '@rostrum/security';
import type { NewKey } from './signing-keys.repository';

const makePair = promisify(generateKeyPair);

/** Where a private key stands. */
export function privateKeyPlace(kid: string): Place {
  return { table: 'signing_keys', column: 'sealed_private_key', row: kid };
}

/** Makes RSA keys in the form in which they are stored. */
export class KeyMaker {
  constructor(
    private readonly envelope: Pick<Envelope, 'seal'>,
    private readonly modulusLength: number,
  ) {}

  /** In a thread: it takes a while. */
  async make(): Promise<NewKey> {
    const { privateKey } = await makePair('rsa', { modulusLength: this.modulusLength });
    return this.take(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  }

  /** A key that was made elsewhere. */
  async take(pem: string): Promise<NewKey> {
    const { publicJwk } = await createSigningKey(pem);
    const sealedPrivateKey = await this.envelope.seal(pem, privateKeyPlace(publicJwk.kid));
    return { kid: publicJwk.kid, publicJwk, sealedPrivateKey, signsFrom: null };
  }
}
