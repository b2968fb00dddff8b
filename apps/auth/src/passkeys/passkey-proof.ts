import type { PasskeyAssertion } from '@rostrum/contracts';
import type { Database } from '@rostrum/data-access';
import type { AuditOrigin } from '../audit/audit-event';
import type { AuditLog } from '../audit/audit-log';
import type { MailJobs } from '../mail/mail-jobs';
import { PendingProofs, type ProofKind } from '../mfa/pending-proofs';
import { uuidBytes } from '../secrets/uuid-bytes';
import type { PasskeyRow } from './passkey';
import { challengeOf, type PasskeyCeremonies } from './passkey-ceremonies';
import { PasskeysRepository } from './passkeys.repository';

export interface PasskeyProofDependencies {
  database: Database;
  ceremonies: PasskeyCeremonies;
  effects: { audit: Pick<AuditLog, 'record'>; mail: Pick<MailJobs, 'add'> };
}

export interface ShownPasskey {
  kind: Extract<ProofKind, 'passkey-sign-in' | 'passkey-proof'>;
  credential: PasskeyAssertion;
  /** Whose it has to be; anybody's where nobody has said who they are. */
  userId?: string;
  from: AuditOrigin;
}

const ceremonySeconds = 300;

/** Has somebody show a passkey: asks for it, and holds what comes against what is kept. */
export class PasskeyProof {
  constructor(private readonly dependencies: PasskeyProofDependencies) {}

  /** For the passkeys of one person, or for any. */
  async ask(userId?: string) {
    const { database, ceremonies } = this.dependencies;
    const kind = userId === undefined ? 'passkey-sign-in' : 'passkey-proof';
    const challenge = await new PendingProofs(database).begin({
      kind,
      userId,
      state: {},
      seconds: ceremonySeconds,
    });
    const passkeys = userId === undefined ? [] : await new PasskeysRepository(database).list(userId);
    return ceremonies.authentication(challenge, passkeys);
  }

  /** The passkey, where all is right with it. Each challenge is for one try. */
  async take({ kind, credential, userId, from }: ShownPasskey): Promise<PasskeyRow | undefined> {
    const { database, ceremonies } = this.dependencies;
    const challenge = challengeOf(credential);
    const asked = challenge && (await new PendingProofs(database).take(kind, challenge));
    if (!asked || asked.userId !== (userId ?? null)) return undefined;
    const passkeys = new PasskeysRepository(database);
    const passkey = await passkeys.findByCredential(Buffer.from(credential.id, 'base64url'));
    if (!passkey || !isTheirs(passkey, credential, userId)) return undefined;
    const info = await ceremonies.authenticated(credential, challenge, passkey);
    if (!info) return undefined;
    const { newCounter: counter, credentialBackedUp: backedUp } = info;
    if (await passkeys.use(passkey.id, { counter, backedUp })) return passkey;
    await this.tellOfCopy(passkey, from);
    return undefined;
  }

  private async tellOfCopy({ id, userId }: PasskeyRow, from: AuditOrigin): Promise<void> {
    const { database, effects } = this.dependencies;
    await database.transaction(async (trx) => {
      await effects.mail.add(trx, {
        kind: 'sign-in-changed',
        userId,
        details: { change: 'passkey-copied' },
      });
      await effects.audit.record(trx, {
        action: 'passkey.suspected',
        result: 'refused',
        actor: { kind: 'anonymous' },
        subjectId: userId,
        target: { passkey: id },
        from,
      });
    });
  }
}

function isTheirs(passkey: PasskeyRow, { response }: PasskeyAssertion, userId: string | undefined): boolean {
  if (userId !== undefined) return passkey.userId === userId;
  return response.userHandle === uuidBytes(passkey.userId).toString('base64url');
}
