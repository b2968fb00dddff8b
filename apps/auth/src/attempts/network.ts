import { isIPv4, isIPv6 } from 'node:net';

const prefixGroups = 4;

/**
 * The network that counts as one place: an IPv4 address, or the /64 of an IPv6 one, since whoever has one of those
 * addresses has them all.
 */
export function networkOf(address: string | undefined): string {
  if (address === undefined) return 'unknown';
  if (isIPv4(address)) return address;
  const [bare = ''] = address.split('%');
  if (!isIPv6(bare)) return 'unknown';
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1];
  return mapped ?? `${groupsOf(bare).slice(0, prefixGroups).join(':')}::/64`;
}

/** All eight groups, with what `::` stands for written out. */
function groupsOf(address: string): string[] {
  // URL knows how to write an address in one way only.
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [head = '', tail] = canonical.split('::');
  const before = head === '' ? [] : head.split(':');
  if (tail === undefined) return before;
  const after = tail === '' ? [] : tail.split(':');
  return [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after];
}
