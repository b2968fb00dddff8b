import type { IncomingMessage } from 'node:http';
import type { AccessClaims } from '@rostrum/security';
import { auditOrigin } from '../audit/audit-origin';
import type { Admin } from './users.service';

/** Who asks, as the audit log notes it. */
export function adminOf({ user, request }: { user: AccessClaims; request: IncomingMessage }): Admin {
  return { actor: { kind: 'user', id: user.userId }, from: auditOrigin(request) };
}

/** The `Link` to the next page: the same question with another cursor. */
export function nextPage(
  { request }: { request: { originalUrl: string } },
  nextCursor: string | null,
): readonly string[] {
  if (nextCursor === null) return [];
  const { pathname, searchParams } = new URL(request.originalUrl, 'http://auth');
  searchParams.set('cursor', nextCursor);
  return ['Link', `<${pathname}?${searchParams}>; rel="next"`];
}
