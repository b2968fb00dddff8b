import { followRoute, unfollowRoute } from '@rostrum/contracts';
import type { RouteBinder } from '@rostrum/service-kit';
import { personOf } from '../profiles/viewer';
import type { FollowsService } from './follows.service';

export function followsRoutes(binder: RouteBinder, follows: FollowsService): void {
  binder.bind(followRoute, async ({ user, params, signal }) => {
    await follows.follow(personOf(user), params.username, signal);
    return { status: 204 };
  });

  binder.bind(unfollowRoute, async ({ user, params, signal }) => {
    await follows.unfollow(personOf(user), params.username, signal);
    return { status: 204 };
  });
}
