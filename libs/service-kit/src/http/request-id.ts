import { randomUUID } from 'node:crypto';

/** The gateway keeps to the same rule: ids that are harmless in logs, headers and file names. */
const wellFormed = /^[A-Za-z0-9._-]{8,64}$/;

/** The caller's request id where it is well-formed, else a new one. */
export function acceptRequestId(header: string | string[] | undefined): string {
  return typeof header === 'string' && wellFormed.test(header) ? header : randomUUID();
}
