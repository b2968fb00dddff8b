import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { LRUCache } from 'lru-cache';
import type { Request } from 'express';

const product = /^([A-Za-z][A-Za-z._-]{1,30})\/(\d[\d.]{0,15})(?=[ ;]|$)/;
const families = new LRUCache<string, string>({ max: 1000 });

/**
 * The first product of a User-Agent, such as `Mozilla/5.0` or `curl/8.5.0`. Not all of it: the header is free text
 * from outside, and what people paste into it has no business in a log.
 */
export function userAgentFamily(userAgent: string | undefined): string | undefined {
  if (userAgent === undefined || userAgent.length > 1024) return undefined;
  const known = families.get(userAgent);
  if (known !== undefined) return known;
  const family = product.exec(userAgent)?.[0] ?? 'other';
  families.set(userAgent, family);
  return family;
}

/** One memory per application: what is trusted in one is nothing to another. */
const addresses = new WeakMap<object, LRUCache<string, string>>();

/**
 * The client's address; behind a trusted proxy Express takes its word for it, which need not be an address. Upgrades
 * have one too, though they never go through Express: on the public server every request is born as one of Express.
 * The same client comes again and again, so the walk through the proxies is remembered.
 */
export function clientAddress(request: IncomingMessage): string | undefined {
  const peer = request.socket.remoteAddress;
  const forwarded = request.headers['x-forwarded-for'];
  if (forwarded === undefined || peer === undefined || forwarded.length > 512)
    return addressOf(request, peer);
  const key = `${peer} ${String(forwarded)}`;
  const memory = memoryOf((request as Request).app);
  const known = memory.get(key);
  if (known !== undefined) return known;
  const address = addressOf(request, peer);
  if (address !== undefined) memory.set(key, address);
  return address;
}

function memoryOf(app: object): LRUCache<string, string> {
  let memory = addresses.get(app);
  if (!memory) {
    memory = new LRUCache({ max: 10_000 });
    addresses.set(app, memory);
  }
  return memory;
}

function addressOf(request: IncomingMessage, peer: string | undefined): string | undefined {
  if (request.headers['x-forwarded-for'] === undefined) return peer;
  const { ip } = request as Request;
  return ip !== undefined && isIP(ip) > 0 ? ip : peer;
}
