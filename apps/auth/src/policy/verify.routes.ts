import { verifyRoute } from '@rostrum/contracts';
import type { RouteBinder } from '@rostrum/service-kit';

/** For a gateway that asks before it passes a request on. The token is all that is looked at. */
export function verifyRoutes(binder: RouteBinder): void {
  binder.bind(verifyRoute, ({ user }) => ({
    status: 204,
    headers: [
      'Cache-Control',
      'no-store',
      'X-User-Id',
      user.userId,
      'X-Session-Id',
      user.sessionId,
      'X-User-Roles',
      user.roles.join(','),
    ],
  }));
}
