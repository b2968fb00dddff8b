import type { Database, Transaction } from '@rostrum/data-access';
import type { UserKeys } from '../keys/user-keys';
import { mfaErrors } from './mfa.errors';
import { newTotpSecret, stepOfCode } from './totp';
import { TotpRepository } from './totp.repository';

/** The secrets of authenticator apps, each sealed with the key of its person. */
export class TotpSecrets {
  constructor(
    private readonly database: Database,
    private readonly userKeys: Pick<UserKeys, 'seal' | 'open'>,
  ) {}

  /** A secret that counts when it has been confirmed. */
  async begin(trx: Transaction, userId: string): Promise<string> {
    const secret = newTotpSecret();
    const sealed = await this.userKeys.seal(trx, userId, { plain: secret, place: placeOf(userId) });
    if (!(await new TotpRepository(trx).begin(userId, sealed))) throw mfaErrors.totpEnrolled();
    return secret;
  }

  /** Whether the code was one of the secret that waits; it counts from now on. */
  async confirm(trx: Transaction, userId: string, code: string): Promise<boolean> {
    const row = await new TotpRepository(trx).find(userId);
    if (!row) throw mfaErrors.totpNotEnrolled();
    if (row.isConfirmed) throw mfaErrors.totpEnrolled();
    const step = await this.stepOf(userId, row.sealedSecret, code);
    const { sealedSecret } = row;
    return step !== undefined && new TotpRepository(trx).confirm(userId, { sealedSecret, step });
  }

  /** Whether the code was right, and none as late had been taken. */
  async take(userId: string, code: string): Promise<boolean> {
    const totp = new TotpRepository(this.database);
    const row = await totp.find(userId);
    if (!row?.isConfirmed) return false;
    const step = await this.stepOf(userId, row.sealedSecret, code);
    return step !== undefined && totp.takeStep(userId, step);
  }

  private async stepOf(userId: string, sealed: Buffer, code: string): Promise<number | undefined> {
    const secret = await this.userKeys.open(this.database, userId, { sealed, place: placeOf(userId) });
    return secret && stepOfCode(secret.toString(), code);
  }
}

function placeOf(userId: string) {
  return { table: 'totp_secrets', column: 'sealed_secret', row: userId };
}
