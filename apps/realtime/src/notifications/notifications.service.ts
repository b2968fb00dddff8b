import { createCursorCodec } from '@rostrum/security';
import type { Notification } from './notification';
import type { NotificationsRepository, ReadMark } from './notifications.repository';

export interface NotificationsRequest {
  cursor: string | undefined;
  limit: number;
  signal: AbortSignal;
}

export interface NotificationPage {
  notifications: Notification[];
  nextCursor: string | null;
  unread: number;
}

export class NotificationsService {
  constructor(
    private readonly notifications: NotificationsRepository,
    private readonly cursorSecret: string,
  ) {}

  async list(userId: string, { cursor, limit, signal }: NotificationsRequest): Promise<NotificationPage> {
    // Named after the user: a cursor that has come into other hands opens nothing there.
    const cursors = createCursorCodec<number>(this.cursorSecret, `notification positions:${userId}`);
    const before = cursor === undefined ? undefined : cursors.decode(cursor);
    const [found, unread] = await Promise.all([
      this.notifications.newest(userId, { before, limit: limit + 1, signal }),
      this.notifications.countUnread(userId, signal),
    ]);
    const notifications = found.slice(0, limit);
    const last = notifications.at(-1);
    const nextCursor = found.length > limit && last ? cursors.encode(last.position) : null;
    return { notifications, nextCursor, unread };
  }

  async markRead(userId: string, mark: ReadMark, signal: AbortSignal): Promise<void> {
    await this.notifications.markRead(userId, mark, signal);
  }
}
