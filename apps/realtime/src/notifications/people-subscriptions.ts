import {
  userBlocked,
  userFollowed,
  userFollowRequested,
  userFollowRequestWithdrawn,
  userMuted,
  userUnblocked,
  userUnfollowed,
  userUnmuted,
} from '@rostrum/contracts';
import { onEvent, type Subscription } from '@rostrum/service-kit';
import { avoid } from './avoid';
import type { Notifier } from './notifier';

/** Who follows whom, and who wants to hear nothing of whom. */
export function subscribeToPeople(notifier: Notifier): Subscription[] {
  return [...subscribeToFollows(notifier), ...subscribeToAvoidances()];
}

function subscribeToFollows(notifier: Notifier): Subscription[] {
  return [
    onEvent(userFollowed, async ({ followeeId, followerId, followerUsername, followedAt }, { trx }) => {
      const at = new Date(followedAt);
      const actor = { id: followerId, username: followerUsername };
      // Where it had to be asked for, it has been granted: there is nothing to decide any more.
      await notifier.takeBack(trx, requestOf(followeeId, followerId, at));
      await notifier.tell(trx, { kind: 'follow', recipientId: followeeId, actor, at });
    }),
    onEvent(userUnfollowed, ({ followeeId: recipientId, followerId: actorId, unfollowedAt }, { trx }) =>
      notifier.takeBack(trx, { kind: 'follow', recipientId, actorId, deed: '', at: new Date(unfollowedAt) }),
    ),
    onEvent(userFollowRequested, ({ targetId, requesterId, requesterUsername, requestedAt }, { trx }) => {
      const actor = { id: requesterId, username: requesterUsername };
      const at = new Date(requestedAt);
      return notifier.tell(trx, { kind: 'follow_request', recipientId: targetId, actor, at });
    }),
    onEvent(userFollowRequestWithdrawn, ({ targetId, requesterId, withdrawnAt }, { trx }) =>
      notifier.takeBack(trx, requestOf(targetId, requesterId, new Date(withdrawnAt))),
    ),
  ];
}

function requestOf(recipientId: string, actorId: string, at: Date) {
  return { kind: 'follow_request' as const, recipientId, actorId, deed: '', at };
}

function subscribeToAvoidances(): Subscription[] {
  return [
    onEvent(userBlocked, ({ blockerId: personId, blockedId: otherId, blockedAt }, { trx }) =>
      avoid(trx, [{ personId, otherId, kind: 'block', active: true, at: new Date(blockedAt) }]),
    ),
    onEvent(userUnblocked, ({ blockerId: personId, blockedId: otherId, unblockedAt }, { trx }) =>
      avoid(trx, [{ personId, otherId, kind: 'block', active: false, at: new Date(unblockedAt) }]),
    ),
    onEvent(userMuted, ({ muterId: personId, mutedId: otherId, mutedAt }, { trx }) =>
      avoid(trx, [{ personId, otherId, kind: 'mute', active: true, at: new Date(mutedAt) }]),
    ),
    onEvent(userUnmuted, ({ muterId: personId, mutedId: otherId, unmutedAt }, { trx }) =>
      avoid(trx, [{ personId, otherId, kind: 'mute', active: false, at: new Date(unmutedAt) }]),
    ),
  ];
}
