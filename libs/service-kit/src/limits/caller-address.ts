import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { ipKeyGenerator } from 'express-rate-limit';
import { LRUCache } from 'lru-cache';
import { clientAddress } from '../http/client-facts';

/** What a provider gives to one customer. Whoever has one address of it has them all. */
const ipv6Subnet = 64;

const keys = new LRUCache<string, string>({ max: 10_000 });

/** Who an address stands for: itself, or all of its /64; an IPv4 address in IPv6 clothes is the IPv4 address. */
export function addressKey(address: string | undefined): string {
  if (address === undefined) return 'unknown';
  const known = keys.get(address);
  if (known !== undefined) return known;
  const key = ipKeyGenerator(withoutZone(address), ipv6Subnet);
  keys.set(address, key);
  return key;
}

/** Of `fe80::1%eth0` only the address counts. */
function withoutZone(address: string): string {
  const zone = address.indexOf('%');
  return zone === -1 ? address : address.slice(0, zone);
}

export function callerAddress(request: IncomingMessage): string {
  return addressKey(clientAddress(request));
}

/** The networks whose processes are not limited. */
export class InternalNetworks {
  private readonly list = new BlockList();
  private readonly known = new LRUCache<string, boolean>({ max: 1_000 });

  constructor(networks: readonly string[]) {
    for (const network of networks) {
      const [address = '', prefix] = network.split('/');
      const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
      this.list.addSubnet(address, Number(prefix ?? (family === 'ipv6' ? 128 : 32)), family);
    }
  }

  /**
   * Whether the request comes from there without a proxy between. A proxy stands for whoever it speaks for: what it
   * passes on is no internal call, wherever the proxy itself may be.
   */
  isSourceOf(request: IncomingMessage): boolean {
    const { remoteAddress } = request.socket;
    if (remoteAddress === undefined || 'x-forwarded-for' in request.headers) return false;
    let isInternal = this.known.get(remoteAddress);
    if (isInternal === undefined) {
      isInternal = this.list.check(remoteAddress, isIP(remoteAddress) === 6 ? 'ipv6' : 'ipv4');
      this.known.set(remoteAddress, isInternal);
    }
    return isInternal;
  }
}
