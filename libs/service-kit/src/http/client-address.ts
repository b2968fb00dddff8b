import type { IncomingMessage } from 'node:http';
import type { Request } from 'express';

/**
 * The client's address as the trusted proxies tell it, also for a request that never goes through Express because it
 * is an upgrade: on the public server every request is born as one of Express.
 */
export function clientAddress(request: IncomingMessage): string | undefined {
  return (request as Request).ip;
}
