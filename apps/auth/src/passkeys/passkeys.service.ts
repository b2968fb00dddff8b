import type { Database } from '@rostrum/data-access';
import type { RegistrationResponseJSON } from '@simplewebauthn/server';
import { v7 as uuidv7 } from 'uuid';
import type { AuditOrigin } from '../audit/audit-event';
import type { FactorChanges } from '../mfa/factor-changes';
import { FactorsRepository } from '../mfa/factors.repository';
import type { OwnerProof, OwnerProofBody, OwnerRequest } from '../mfa/owner-proof';
import { PendingProofs } from '../mfa/pending-proofs';
import type { RecentFactor, SessionOwner } from '../mfa/step-up.service';
import { mostPasskeys, type NewPasskey, type PasskeyRow } from './passkey';
import { challengeOf, type PasskeyCeremonies } from './passkey-ceremonies';
import { passkeysErrors } from './passkeys.errors';
import { PasskeysRepository } from './passkeys.repository';

export interface PasskeysDependencies {
  database: Database;
  ceremonies: PasskeyCeremonies;
  proof: OwnerProof;
  recent: Pick<RecentFactor, 'require'>;
  changes: FactorChanges;
}

export interface MadePasskey {
  name: string;
  credential: RegistrationResponseJSON;
}

const ceremonySeconds = 300;

/** People's passkeys: they make, name and remove them. */
export class PasskeysService {
  constructor(private readonly dependencies: PasskeysDependencies) {}

  /** What their browser is asked to make. */
  async begin(shown: OwnerProofBody, { username, ...request }: OwnerRequest & { username: string }) {
    const { database, ceremonies, proof } = this.dependencies;
    const { userId } = request.owner;
    await proof.require(shown, request);
    const known = await this.list(userId);
    if (known.length >= mostPasskeys) throw passkeysErrors.tooMany();
    const kind = 'passkey-registration';
    const challenge = await new PendingProofs(database).begin({
      kind,
      userId,
      state: {},
      seconds: ceremonySeconds,
    });
    return ceremonies.registration({ userId, username }, challenge, known);
  }

  /** Resolves to recovery codes too, where there were none. */
  async keep({ name, credential }: MadePasskey, { userId }: SessionOwner, from: AuditOrigin) {
    const { database, changes } = this.dependencies;
    const made = { ...(await this.verified(credential, userId)), name };
    return database.transaction(async (trx) => {
      await new FactorsRepository(trx).lock(userId);
      const passkeys = new PasskeysRepository(trx);
      if ((await passkeys.list(userId)).length >= mostPasskeys) throw passkeysErrors.tooMany();
      const passkey = await passkeys.insert(made);
      if (!passkey) throw passkeysErrors.known();
      const change = { action: 'passkey.added', change: 'passkey-added' } as const;
      const target = { passkey: passkey.id };
      return { passkey, recoveryCodes: await changes.added(trx, { ...change, userId, target, from }) };
    });
  }

  list(userId: string): Promise<PasskeyRow[]> {
    return new PasskeysRepository(this.dependencies.database).list(userId);
  }

  async rename(userId: string, id: string, name: string): Promise<PasskeyRow> {
    const renamed = await new PasskeysRepository(this.dependencies.database).rename(userId, id, name);
    if (!renamed) throw passkeysErrors.notFound();
    return renamed;
  }

  async remove(owner: SessionOwner, id: string, from: AuditOrigin): Promise<void> {
    const { database, recent, changes } = this.dependencies;
    const { userId } = owner;
    await recent.require(owner);
    await database.transaction(async (trx) => {
      await new FactorsRepository(trx).lock(userId);
      if (!(await new PasskeysRepository(trx).remove(userId, id))) throw passkeysErrors.notFound();
      const change = { action: 'passkey.removed', change: 'passkey-removed' } as const;
      await changes.removed(trx, { ...change, userId, target: { passkey: id }, from });
    });
  }

  private async verified(
    response: RegistrationResponseJSON,
    userId: string,
  ): Promise<Omit<NewPasskey, 'name'>> {
    const { database, ceremonies } = this.dependencies;
    const challenge = challengeOf(response);
    const asked = challenge && (await new PendingProofs(database).take('passkey-registration', challenge));
    if (!asked || asked.userId !== userId) throw passkeysErrors.refused();
    const info = await ceremonies.registered(response, challenge).catch((error: unknown) => {
      throw passkeysErrors.refused(error);
    });
    if (!info) throw passkeysErrors.refused();
    const { credential, credentialBackedUp: backedUp } = info;
    return {
      id: uuidv7(),
      userId,
      credentialId: Buffer.from(credential.id, 'base64url'),
      publicKey: Buffer.from(credential.publicKey),
      counter: credential.counter,
      transports: credential.transports ?? [],
      backedUp,
    };
  }
}
