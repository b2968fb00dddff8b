import {
  endUserSessionsRoute,
  getUserRoute,
  grantRoleRoute,
  listUsersRoute,
  restoreUserRoute,
  suspendUserRoute,
  takeRoleRoute,
  type AdminUser,
} from '@rostrum/contracts';
import type { RouteBinder } from '@rostrum/service-kit';
import { adminOf, nextPage } from './admin-requests';
import type { UserRow } from './users.repository';
import type { UsersService } from './users.service';

export interface AdminFeature {
  users: UsersService;
  /** The address of an account, opened; null where it cannot be any more. */
  emailOf: (user: UserRow) => Promise<string | null>;
}

export function adminRoutes(binder: RouteBinder, { users, emailOf }: AdminFeature): void {
  const body = async (user: UserRow) => toAdminUser(user, await emailOf(user));

  binder.bind(listUsersRoute, async (input) => {
    const { users: found, nextCursor } = await users.list(input.query, adminOf(input));
    const items = await Promise.all(found.map(body));
    return { status: 200, body: { items, nextCursor }, headers: nextPage(input, nextCursor) };
  });

  binder.bind(getUserRoute, async (input) => ({
    status: 200,
    body: await body(await users.read(input.params.id, adminOf(input))),
  }));

  binder.bind(suspendUserRoute, async (input) => ({
    status: 200,
    body: await body(await users.suspend(input.params.id, input.body.reason, adminOf(input))),
  }));

  binder.bind(restoreUserRoute, async (input) => ({
    status: 200,
    body: await body(await users.restore(input.params.id, adminOf(input))),
  }));

  binder.bind(grantRoleRoute, async (input) => ({
    status: 200,
    body: await body(await users.grantRole(input.params.id, input.params.role, adminOf(input))),
  }));

  binder.bind(takeRoleRoute, async (input) => ({
    status: 200,
    body: await body(await users.takeRole(input.params.id, input.params.role, adminOf(input))),
  }));

  binder.bind(endUserSessionsRoute, async (input) => ({
    status: 200,
    body: { ended: await users.endSessions(input.params.id, adminOf(input)) },
  }));
}

function toAdminUser(user: UserRow, email: string | null): AdminUser {
  const { id, username, emailVerified, roles, createdAt, suspendedAt, deletionRequestedAt } = user;
  return {
    id,
    username,
    email,
    emailVerified,
    roles,
    createdAt: createdAt.toISOString(),
    suspendedAt: suspendedAt?.toISOString() ?? null,
    deletionRequestedAt: deletionRequestedAt?.toISOString() ?? null,
  };
}
