import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import type { Queryable } from '@rostrum/data-access';
import type { Envelope, Place } from '@rostrum/security';
import { AuditRepository, type StoredAuditKey } from './audit.repository';
import type { AuditKey } from './checkpoint';

/**
 * The keys that sign checkpoints. Whoever may do everything in the database still cannot make one that the master key
 * has not sealed, so that a key that opens is one of ours.
 */
export class AuditKeys {
  constructor(private readonly envelope: Pick<Envelope, 'seal' | 'open'>) {}

  /** The key that signs; made when there is none. To be called under the lock of checkpoints. */
  async current(db: Queryable): Promise<AuditKey> {
    const repository = new AuditRepository(db);
    const newest = (await repository.keys()).at(-1);
    if (newest) return this.open(newest);
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const der = publicKey.export({ type: 'spki', format: 'der' });
    const id = keyIdOf(der);
    const sealed = await this.envelope.seal(
      privateKey.export({ type: 'pkcs8', format: 'der' }),
      auditKeyPlace(id),
    );
    await repository.addKey({ id, publicKey: der, sealedPrivateKey: sealed });
    return { id, privateKey, publicKey };
  }

  /** The public halves of those keys that are our own, by id. */
  async genuine(db: Queryable): Promise<ReadonlyMap<string, KeyObject>> {
    const keys = new Map<string, KeyObject>();
    for (const stored of await new AuditRepository(db).keys()) {
      const key = await this.open(stored).catch(() => undefined);
      if (key) keys.set(key.id, key.publicKey);
    }
    return keys;
  }

  private async open({ id, publicKey, sealedPrivateKey }: StoredAuditKey): Promise<AuditKey> {
    const der = await this.envelope.open(sealedPrivateKey, auditKeyPlace(id));
    const privateKey = createPrivateKey({ key: der, type: 'pkcs8', format: 'der' });
    const own = createPublicKey(privateKey);
    const ownDer = own.export({ type: 'spki', format: 'der' });
    if (!ownDer.equals(publicKey) || keyIdOf(ownDer) !== id)
      throw new Error(`The audit key ${id} has been changed`);
    return { id, privateKey, publicKey: own };
  }
}

export function auditKeyPlace(id: string): Place {
  return { table: 'audit_keys', column: 'sealed_private_key', row: id };
}

/** The id of a key follows from it: whoever has noted one knows it again. */
export function keyIdOf(publicKeyDer: Buffer): string {
  return createHash('sha256').update(publicKeyDer).digest('base64url').slice(0, 22);
}
