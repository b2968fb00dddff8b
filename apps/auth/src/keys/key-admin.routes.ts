import { listKeysRoute, revokeKeyRoute, rotateKeysRoute, type SigningKeyBody } from '@rostrum/contracts';
import type { RouteBinder } from '@rostrum/service-kit';
import { adminOf } from '../admin/admin-requests';
import type { RecentFactor } from '../mfa/step-up.service';
import type { KeyAdmin } from './key-admin';
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

  binder.bind(rotateKeysRoute, async (input) => {
    await recent.require(input.user);
    const { kid, signsFrom } = await keys.rotate(adminOf(input));
    return { status: 200, body: { kid, signsFrom: signsFrom.toISOString() } };
  });

  binder.bind(revokeKeyRoute, async (input) => {
    await recent.require(input.user);
    await keys.revoke(input.params.kid, { ...adminOf(input), reason: input.body.reason });
    return { status: 204 };
  });
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
