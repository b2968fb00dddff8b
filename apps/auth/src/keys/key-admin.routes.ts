import { listKeysRoute, revokeKeyRoute, rotateKeysRoute, type SigningKeyBody } from '@rostrum/contracts';
import type { RouteBinder, Write } from '@rostrum/service-kit';
import { adminOf } from '../admin/admin-requests';
import type { RecentFactor } from '../mfa/step-up.service';
import type { KeyAdmin } from './key-admin';
import type { NextKey } from './key-rotation';
import type { KeyState, KnownKey } from './key-schedule';

export interface KeyAdminFeature {
  keys: KeyAdmin;
  recent: Pick<RecentFactor, 'require'>;
}

export function keyAdminRoutes(binder: RouteBinder, { keys, recent }: KeyAdminFeature): void {
  binder.bind(listKeysRoute, async (input) => ({
    status: 200,
    body: { keys: (await keys.list(adminOf(input))).map(toKeyBody) },
  }));

  binder.bind(rotateKeysRoute, (input) =>
    input.once(
      async (write: Write<NextKey>) => {
        await recent.require(input.user);
        return keys.rotate(adminOf(input), write);
      },
      ({ kid, signsFrom }) => ({ status: 200, body: { kid, signsFrom: signsFrom.toISOString() } }),
    ),
  );

  binder.bind(revokeKeyRoute, (input) =>
    input.once<void, { status: 204 }>(
      async (write) => {
        await recent.require(input.user);
        await keys.revoke(input.params.kid, { ...adminOf(input), reason: input.body.reason }, write);
      },
      () => ({ status: 204 }),
    ),
  );
}

export function toKeyBody(key: KnownKey & { state: KeyState }): SigningKeyBody {
  const { kid, state, createdAt, signsFrom, revokedAt } = key;
  return {
    kid,
    state,
    createdAt: createdAt.toISOString(),
    signsFrom: signsFrom?.toISOString() ?? null,
    revokedAt: revokedAt?.toISOString() ?? null,
  };
}
