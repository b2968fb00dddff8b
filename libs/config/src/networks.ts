import { isIP } from 'node:net';
import { z } from 'zod';

/** The widest networks that anybody has for themselves: 10.0.0.0/8 and fc00::/7. */
const widest = { 4: 8, 6: 7 } as const;

/** `::ffff:0:0/96` is all of IPv4 in IPv6 clothes. */
const mappedRange = 0xffff_0000_0000n;
const mappedBits = 96;

/**
 * An address or a network such as 10.0.0.0/8. One that is as good as all addresses is refused: whoever trusts all
 * trusts nobody in particular.
 */
export const network = () =>
  z
    .string()
    .refine(isNetwork, 'must be an address or a network such as 10.0.0.0/8, never "true"')
    .refine((text) => !isNetwork(text) || !isTooWide(text), 'must not be as wide as all addresses');

function isNetwork(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || address.includes('%') || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128));
}

function isTooWide(text: string): boolean {
  const [address = '', prefix] = text.split('/');
  if (prefix === undefined) return false;
  const bits = Number(prefix);
  if (isIP(address) === 4) return bits < widest[4];
  return bits < widest[6] || holdsAllMapped(address, bits);
}

function holdsAllMapped(address: string, bits: number): boolean {
  if (bits >= mappedBits + widest[4]) return false;
  const shift = BigInt(128 - Math.min(bits, mappedBits));
  return numberOf(address) >> shift === mappedRange >> shift;
}

function numberOf(address: string): bigint {
  // The URL parser writes all forms of an address in one: hexadecimal groups, the longest row of zeros as `::`.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groupsOf = (text: string | undefined) => (text ? text.split(':') : []);
  const [first, last] = [groupsOf(head), groupsOf(tail)];
  const zeros = Array<string>(8 - first.length - last.length).fill('0');
  return [...first, ...zeros, ...last].reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}
