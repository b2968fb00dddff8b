import { createCursorCodec } from '@rostrum/security';
import type { Notification } from './notification';
import type { NotificationsRepository } from './notifications.repository';

export interface NotificationsRequest {
  cursor: string | undefined;
  limit: number;
  signal: AbortSignal;
}

export interface NotificationPage {
  notifications: Notification[];
  nextCursor: string | null;
}

export class NotificationsService {
  constructor(
    private readonly notifications: NotificationsRepository,
    private readonly cursorSecret: string,
  ) {}

  async list(userId: string, { cursor, limit, signal }: NotificationsRequest): Promise<NotificationPage> {
    // Named after the user: a cursor that has come into other hands opens nothing there.
    const cursors = createCursorCodec<string>(this.cursorSecret, `notifications:${userId}`);
    const before = cursor === undefined ? undefined : cursors.decode(cursor);
    const found = await this.notifications.newest(userId, { before, limit: limit + 1, signal });
    const notifications = found.slice(0, limit);
    const last = notifications.at(-1);
    return { notifications, nextCursor: found.length > limit && last ? cursors.encode(last.id) : null };
  }

  async markRead(userId: string, ids: readonly string[], signal: AbortSignal): Promise<void> {
    await this.notifications.markRead(userId, ids, signal);
  }
}
