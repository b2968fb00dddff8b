import { bindTexts, decryptBytes, encryptBytes } from './aes-gcm';
import type { DataKeys } from './data-keys';

/** Where a sealed value stands. It is bound to it: copied into another row or column it cannot be opened. */
export interface Place {
  table: string;
  column: string;
  row: string;
}

const format = 1;
const idBytes = 16;
const headBytes = 1 + idBytes;

/** Encrypts values for the database: `format | id of the data key | nonce | ciphertext | tag`. */
export class Envelope {
  constructor(private readonly keys: Pick<DataKeys, 'current' | 'find'>) {}

  async seal(plain: Buffer | string, place: Place): Promise<Buffer> {
    const { id, key } = await this.keys.current();
    const head = Buffer.concat([Buffer.from([format]), Buffer.from(id.replaceAll('-', ''), 'hex')]);
    const bytes = typeof plain === 'string' ? Buffer.from(plain) : plain;
    return Buffer.concat([head, encryptBytes(key, bytes, aboutPlace(head, place))]);
  }

  /** Rejects where the value has been changed, or belongs elsewhere. */
  async open(sealed: Buffer, place: Place): Promise<Buffer> {
    const key = await this.keys.find(keyIdOf(sealed));
    const head = sealed.subarray(0, headBytes);
    return decryptBytes(key, sealed.subarray(headBytes), aboutPlace(head, place));
  }

  /** Whether the value is under another data key than the one that encrypts now: time to seal it anew. */
  async isStale(sealed: Buffer): Promise<boolean> {
    return keyIdOf(sealed) !== (await this.keys.current()).id;
  }

  /** The same value under the key that encrypts now. */
  async reseal(sealed: Buffer, place: Place): Promise<Buffer> {
    return this.seal(await this.open(sealed, place), place);
  }
}

/** The id of the data key that a value is sealed with. */
export function keyIdOf(sealed: Buffer): string {
  if (sealed.length < headBytes || sealed[0] !== format) throw new Error('This has not been sealed here');
  return sealed
    .subarray(1, headBytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function aboutPlace(head: Buffer, { table, column, row }: Place): Buffer {
  return Buffer.concat([head, bindTexts(table, column, row)]);
}
