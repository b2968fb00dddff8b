import { randomBytes } from 'node:crypto';

/** The right to fill in a value, as it stands in Redis. */
export interface Lease {
  /** Of characters that are a byte each. */
  token: string;
  /** Redis's time when it was given. */
  stamp: number;
  /** Of the server's life in which it was given. */
  tag: number;
}

const tokenLength = 8;
const tokensDrawn = 512;
let drawn = '';
let used = 0;

/**
 * Cut from what is drawn for many at once: to draw lots takes longer than all else that a token is needed for. A text,
 * since a command with bytes among its arguments is put together piece by piece.
 */
export function newToken(): string {
  if (used === drawn.length) {
    drawn = randomBytes((tokensDrawn * tokenLength * 3) / 4).toString('base64url');
    used = 0;
  }
  used += tokenLength;
  return drawn.slice(used - tokenLength, used);
}
