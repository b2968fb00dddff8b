import {
  acceptFollowRequestRoute,
  allFollowsRoute,
  followRoute,
  listFollowersRoute,
  listFollowingRoute,
  listFollowRequestsRoute,
  refuseFollowRequestRoute,
  unfollowRoute,
} from '@rostrum/contracts';
import type { ReplyOf, RouteBinder } from '@rostrum/service-kit';
import { personOf } from '../profiles/viewer';
import type { FollowsService, FollowState } from './follows.service';
import type { PeopleListsService } from './people-lists.service';
import { peopleReply } from './people-reply';

export interface FollowsFeature {
  follows: FollowsService;
  lists: PeopleListsService;
}

type FollowReply = ReplyOf<(typeof followRoute)['responses']>;

const done = (): { status: 204 } => ({ status: 204 });

const followed = (state: FollowState): FollowReply =>
  state === 'following' ? { status: 204 } : { status: 202, body: { state } };

export function followsRoutes(binder: RouteBinder, feature: FollowsFeature): void {
  changingRoutes(binder, feature);
  listingRoutes(binder, feature);
}

function changingRoutes(binder: RouteBinder, { follows }: FollowsFeature): void {
  binder.bind(followRoute, ({ user, params, signal, once }) =>
    once<FollowState, FollowReply>(
      (write) => follows.follow(personOf(user), params.username, { write, signal }),
      followed,
    ),
  );

  binder.bind(unfollowRoute, ({ user, params, signal, once }) =>
    once<void, { status: 204 }>(
      (write) => follows.unfollow(personOf(user), params.username, { write, signal }),
      done,
    ),
  );

  binder.bind(acceptFollowRequestRoute, ({ user, params, signal, once }) =>
    once<void, { status: 204 }>(
      (write) => follows.accept(personOf(user), params.username, { write, signal }),
      done,
    ),
  );

  binder.bind(refuseFollowRequestRoute, ({ user, params, signal, once }) =>
    once<void, { status: 204 }>(
      (write) => follows.refuse(personOf(user), params.username, { write, signal }),
      done,
    ),
  );
}

function listingRoutes(binder: RouteBinder, { lists }: FollowsFeature): void {
  binder.bind(allFollowsRoute, async ({ query, signal }) => ({
    status: 200,
    body: await lists.all({ after: query.after, limit: query.limit }, signal),
  }));

  binder.bind(listFollowersRoute, async ({ user, params: { username }, query, signal }) => {
    const request = { cursor: query.cursor, limit: query.limit, signal };
    const path = listFollowersRoute.path.replace(':username', username);
    return peopleReply(path, query.limit, await lists.followers(user.userId, username, request));
  });

  binder.bind(listFollowingRoute, async ({ user, params: { username }, query, signal }) => {
    const request = { cursor: query.cursor, limit: query.limit, signal };
    const path = listFollowingRoute.path.replace(':username', username);
    return peopleReply(path, query.limit, await lists.following(user.userId, username, request));
  });

  binder.bind(listFollowRequestsRoute, async ({ user, query, signal }) => {
    const request = { cursor: query.cursor, limit: query.limit, signal };
    return peopleReply(listFollowRequestsRoute.path, query.limit, await lists.requests(user.userId, request));
  });
}
