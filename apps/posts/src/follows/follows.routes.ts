import { followRoute, unfollowRoute } from '@rostrum/contracts';
import type { RouteBinder } from '@rostrum/service-kit';
import { personOf } from '../profiles/viewer';
import type { FollowsService } from './follows.service';

const done = (): { status: 204 } => ({ status: 204 });

export function followsRoutes(binder: RouteBinder, follows: FollowsService): void {
  binder.bind(followRoute, ({ user, params, signal, once }) =>
    once<void, { status: 204 }>(
      (write) => follows.follow(personOf(user), params.username, { write, signal }),
      done,
    ),
  );

  binder.bind(unfollowRoute, ({ user, params, signal, once }) =>
    once<void, { status: 204 }>(
      (write) => follows.unfollow(personOf(user), params.username, { write, signal }),
      done,
    ),
  );
}
