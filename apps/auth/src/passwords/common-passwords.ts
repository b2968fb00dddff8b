import { hash } from 'node:crypto';
import common from './common-passwords.json';

const filter = Buffer.from(common.filter, 'base64');
const bits = filter.length * 8;

/** What people put behind a word so that it passes for a password. */
const decoration = /[\d\p{P}\p{S}_\s]{1,8}$/u;
const shortestWord = 4;

/**
 * Whether the password is one of those that are tried first, as it stands or with something behind it. Asks a Bloom
 * filter (tools/passwords makes it): it knows all on the list, and one in 100,000 of the others passes for one of them.
 */
export function isCommonPassword(password: string): boolean {
  const folded = foldPassword(password);
  if (isListed(folded)) return true;
  const word = folded.replace(decoration, '');
  return word !== folded && word.length >= shortestWord && isListed(word);
}

/** What is the same for someone who guesses. */
export function foldPassword(password: string): string {
  return password.normalize('NFKC').toLowerCase();
}

function isListed(text: string): boolean {
  const digest = hash('sha256', text, 'buffer');
  const first = digest.readUInt32BE(0);
  const step = (digest.readUInt32BE(4) | 1) >>> 0;
  for (let i = 0; i < common.hashes; i += 1) {
    const bit = (first + i * step) % bits;
    if (((filter[bit >> 3] ?? 0) & (1 << (bit & 7))) === 0) return false;
  }
  return true;
}
