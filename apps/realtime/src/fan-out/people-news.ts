import {
  profileVisibilityChanged,
  userBlocked,
  userDeleted,
  userFollowed,
  userUnblocked,
  userUnfollowed,
} from '@rostrum/contracts';
import { onEvent, type Subscription } from '@rostrum/service-kit';
import type { LivePublisher } from '../live/live-publisher';
import { tellProcesses } from '../live/news-for-processes';
import { FollowsRepository } from './follows.repository';

/** Keeps the copy of who follows whom, and has subscriptions looked at anew whose reasons may be gone. */
export function followPeople(publisher: Pick<LivePublisher, 'toChannel'>): Subscription[] {
  const recheck = (...userIds: string[]) => tellProcesses(publisher, { kind: 'people', userIds });
  return [
    onEvent(userFollowed, async ({ followerId, followeeId, followedAt }, { trx }) => {
      const at = new Date(followedAt);
      await new FollowsRepository(trx).put({ followerId, followeeId, active: true, at });
    }),
    onEvent(userUnfollowed, async ({ followerId, followeeId, unfollowedAt }, { trx }) => {
      const at = new Date(unfollowedAt);
      await new FollowsRepository(trx).put({ followerId, followeeId, active: false, at });
      // Posts that are for followers alone.
      await recheck(followerId);
    }),
    onEvent(userBlocked, async ({ blockerId, blockedId, blockedAt }, { trx }) => {
      await new FollowsRepository(trx).endBetween(blockerId, blockedId, new Date(blockedAt));
      await recheck(blockerId, blockedId);
    }),
    onEvent(userUnblocked, ({ blockerId, blockedId }) => recheck(blockerId, blockedId)),
    onEvent(profileVisibilityChanged, ({ userId }) =>
      tellProcesses(publisher, { kind: 'owners', userIds: [userId] }),
    ),
  ];
}

/** Whoever is gone for good follows nobody and is followed by nobody. That nobody sees them any more, posts tells. */
export function forgetFollows(): Subscription {
  return onEvent(userDeleted, ({ userId }, { trx }) => new FollowsRepository(trx).forget(userId));
}
