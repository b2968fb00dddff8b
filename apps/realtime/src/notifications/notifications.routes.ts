import { markReadRoute, notificationsRoute } from '@rostrum/contracts';
import type { RouteBinder } from '@rostrum/service-kit';
import { toNotificationBody } from './notification';
import type { NotificationsService } from './notifications.service';

export function notificationsRoutes(binder: RouteBinder, service: NotificationsService): void {
  binder.bind(notificationsRoute, async ({ user, query: { cursor, limit }, signal }) => {
    const { notifications, nextCursor, unread } = await service.list(user.userId, { cursor, limit, signal });
    const body = { items: notifications.map(toNotificationBody), nextCursor, unread };
    if (nextCursor === null) return { status: 200, body };
    const next = `${notificationsRoute.path}?cursor=${nextCursor}&limit=${limit}`;
    return { status: 200, body, headers: ['Link', `<${next}>; rel="next"`] };
  });

  binder.bind(markReadRoute, async ({ user, body: { ids, upTo }, signal }) => {
    await service.markRead(user.userId, { ids, upTo }, signal);
    return { status: 204 };
  });
}
