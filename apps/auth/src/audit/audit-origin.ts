import { clientAddress } from '@rostrum/service-kit';
import type { IncomingMessage } from 'node:http';
import type { AuditOrigin } from './audit-event';

const longestUserAgent = 256;

/** From where a request came, as the audit log wants it. */
export function auditOrigin(request: IncomingMessage): AuditOrigin {
  return {
    address: clientAddress(request),
    userAgent: request.headers['user-agent']?.slice(0, longestUserAgent),
  };
}
