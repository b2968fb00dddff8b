import { randomBytes } from 'node:crypto';

/** The right to fill in a value, as it stands in Redis. */
export interface Lease {
  token: Buffer;
  /** Redis's time when it was given. */
  stamp: number;
  /** Of the server's life in which it was given. */
  tag: number;
}

const tokenLength = 8;
const tokensDrawn = 512;
let drawn = Buffer.alloc(0);
let used = 0;

/** Cut from what is drawn for many at once: to draw lots takes longer than all else that a token is needed for. */
export function newToken(): Buffer {
  if (used === drawn.length) {
    drawn = randomBytes(tokensDrawn * tokenLength);
    used = 0;
  }
  used += tokenLength;
  return drawn.subarray(used - tokenLength, used);
}
