import { AsyncLocalStorage } from 'node:async_hooks';
import { userFollowed } from '@rostrum/contracts';
import { currentContext } from '@rostrum/observability';
import { onEvent, type Subscription } from '@rostrum/service-kit';
import type { NotificationEvents } from '../business-events';
import type { LivePublisher } from '../live/live-publisher';
import { newNotification, toNotificationBody, type Notification } from './notification';
import { NotificationsRepository } from './notifications.repository';

export interface FollowNotificationParts {
  live: LivePublisher;
  events: NotificationEvents;
}

/** Tells people of their new followers: in their list once for each follower, and at once where they have a socket. */
export function notifyOfFollows({ live, events }: FollowNotificationParts): Subscription {
  const announce = async (recipientId: string, notification: Notification) => {
    events.notificationSent(notification);
    try {
      await live.toUser(recipientId, {
        id: notification.id,
        name: 'notification.created',
        data: toNotificationBody(notification),
        time: new Date().toISOString(),
        traceparent: currentContext()?.traceparent(),
      });
    } catch (error) {
      events.announcementFailed(error);
    }
  };
  return onEvent(userFollowed, async ({ followeeId, followerId, followerUsername, followedAt }, { trx }) => {
    const notification = newNotification({
      kind: 'follow',
      actor: { id: followerId, username: followerUsername },
      createdAt: new Date(followedAt),
    });
    const isNew = await new NotificationsRepository(trx).add(followeeId, notification);
    // What follows the commit of a whole batch still belongs to the trace of its own event.
    if (isNew) trx.onCommit(AsyncLocalStorage.bind(() => announce(followeeId, notification)));
  });
}
