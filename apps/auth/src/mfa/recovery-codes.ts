import { randomInt } from 'node:crypto';
import type { Queryable, Transaction } from '@rostrum/data-access';
import type { KeyedIndex } from '../secrets/keyed-index';
import { RecoveryCodesRepository } from './recovery-codes.repository';

const codeCount = 10;
const codeLength = 10;
/** Without the letters and digits that look like others. */
const letters = 'abcdefghjkmnpqrstuvwxyz23456789';

/** Codes on paper, for who has lost their other factors. Only keyed hashes of them are kept. */
export class RecoveryCodes {
  constructor(private readonly index: KeyedIndex) {}

  /** New ones in place of all others. They are told this once. */
  async renew(trx: Transaction, userId: string): Promise<string[]> {
    const codes = Array.from({ length: codeCount }, newCode);
    const hashes = codes.map((code) => this.index.of(textOf(userId, code)));
    await new RecoveryCodesRepository(trx).replace(userId, hashes);
    return codes;
  }

  /** Whether it was one of theirs, and had not been used. It is now. */
  async use(db: Queryable, userId: string, code: string): Promise<boolean> {
    return new RecoveryCodesRepository(db).use(userId, this.index.all(textOf(userId, code)));
  }
}

function newCode(): string {
  const code = Array.from({ length: codeLength }, () => letters[randomInt(letters.length)]).join('');
  return `${code.slice(0, codeLength / 2)}-${code.slice(codeLength / 2)}`;
}

/** However it is typed. */
function textOf(userId: string, code: string): string {
  return `${userId} ${code.toLowerCase().replaceAll(/[^a-z0-9]/g, '')}`;
}
