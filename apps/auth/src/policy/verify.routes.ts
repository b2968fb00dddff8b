import { verifyRoute } from '@rostrum/contracts';
import { problems } from '@rostrum/errors';
import { mayDo } from '@rostrum/security';
import { assertCsrfToken, type RouteBinder } from '@rostrum/service-kit';
import type { Request } from 'express';

const harmless = new Set(['GET', 'HEAD', 'OPTIONS']);

/** For a gateway that asks before it passes a request on. The token is all that is looked at. */
export function verifyRoutes(binder: RouteBinder): void {
  binder.bind(verifyRoute, ({ user, query: { permission }, request }) => {
    if (changesByCookie(request)) assertCsrfToken(request, user.csrf);
    if (permission !== undefined && !mayDo(user.roles, permission)) throw problems.forbidden();
    const headers = [
      ...['Cache-Control', 'no-store'],
      ...['X-User-Id', user.userId],
      ...['X-Session-Id', user.sessionId],
      ...['X-User-Roles', user.roles.join(',')],
    ];
    return { status: 204, headers };
  });
}

/** The question is a GET always; what it is about may be none, and any page can make a browser send that. */
function changesByCookie({ headers }: Request): boolean {
  const method = headers['x-forwarded-method'];
  return headers.authorization === undefined && method !== undefined && !harmless.has(String(method));
}
