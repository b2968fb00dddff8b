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
import type { Transaction } from '@rostrum/data-access';
import type { RouteBinder, Write } from '@rostrum/service-kit';
import { adminOf, nextPage } from './admin-requests';
import type { UserRow } from './users.repository';
import type { Commit, UsersService } from './users.service';

export interface AdminFeature {
  users: UsersService;
  /** The address of an account, opened; null where it cannot be any more. */
  emailOf: (user: UserRow, trx?: Transaction) => Promise<string | null>;
}

const asReply = (body: AdminUser) => ({ status: 200 as const, body });

export function adminRoutes(binder: RouteBinder, { users, emailOf }: AdminFeature): void {
  const bodyOf = async (user: UserRow, trx?: Transaction) => toAdminUser(user, await emailOf(user, trx));
  /** What is answered of the account, kept with the change where the client can repeat it. */
  const commitIn =
    (write: Write<AdminUser>): Commit<AdminUser> =>
    (work) =>
      write(async (trx) => bodyOf(await work(trx), trx));

  binder.bind(listUsersRoute, async (input) => {
    const { users: found, nextCursor } = await users.list(input.query, adminOf(input));
    const items = await Promise.all(found.map((user) => bodyOf(user)));
    return { status: 200, body: { items, nextCursor }, headers: nextPage(input, nextCursor) };
  });

  binder.bind(getUserRoute, async (input) =>
    asReply(await bodyOf(await users.read(input.params.id, adminOf(input)))),
  );

  binder.bind(suspendUserRoute, (input) => {
    const { id } = input.params;
    const { reason } = input.body;
    return input.once((write) => users.suspend({ id, reason }, adminOf(input), commitIn(write)), asReply);
  });

  binder.bind(restoreUserRoute, (input) =>
    input.once((write) => users.restore(input.params.id, adminOf(input), commitIn(write)), asReply),
  );

  binder.bind(grantRoleRoute, (input) =>
    input.once((write) => users.grantRole(input.params, adminOf(input), commitIn(write)), asReply),
  );

  binder.bind(takeRoleRoute, (input) =>
    input.once((write) => users.takeRole(input.params, adminOf(input), commitIn(write)), asReply),
  );

  binder.bind(endUserSessionsRoute, (input) =>
    input.once(
      (write) => users.endSessions(input.params.id, adminOf(input), write),
      (ended: number) => ({ status: 200, body: { ended } }),
    ),
  );
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
