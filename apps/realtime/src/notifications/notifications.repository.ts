import type { Queryable } from '@rostrum/data-access';
import type { Notification } from './notification';

interface NotificationRow {
  id: string;
  kind: Notification['kind'];
  actor_id: string;
  actor_username: string;
  created_at: Date;
  read: boolean;
}

export interface PageOfNotifications {
  /** Only what is older than this one; undefined for the newest. */
  before: string | undefined;
  limit: number;
  signal: AbortSignal;
}

/** Above every id, so that the first page is the same prepared statement as all others. */
const afterAll = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

export class NotificationsRepository {
  constructor(private readonly db: Queryable) {}

  /** Whether it is new: of one kind there is at most one from each person. */
  async add(recipientId: string, { id, kind, actor, createdAt }: Notification): Promise<boolean> {
    const { rowCount } = await this.db.query(
      'add_notification',
      `insert into notifications (id, recipient_id, kind, actor_id, actor_username, created_at)
       values ($1, $2, $3, $4, $5, $6)
       on conflict (recipient_id, kind, actor_id) do nothing`,
      [id, recipientId, kind, actor.id, actor.username, createdAt],
    );
    return rowCount > 0;
  }

  async newest(
    recipientId: string,
    { before = afterAll, limit, signal }: PageOfNotifications,
  ): Promise<Notification[]> {
    const { rows } = await this.db.query<NotificationRow>(
      'newest_notifications',
      `select id, kind, actor_id, actor_username, created_at, read_at is not null as read
         from notifications
        where recipient_id = $1 and id < $2
        order by id desc limit $3`,
      [recipientId, before, limit],
      { signal },
    );
    return rows.map(toNotification);
  }

  /** Ids that are not the recipient's are as good as ids of nothing. */
  async markRead(recipientId: string, ids: readonly string[], signal: AbortSignal): Promise<void> {
    await this.db.query(
      'mark_notifications_read',
      `update notifications set read_at = now()
        where recipient_id = $1 and id = any($2::uuid[]) and read_at is null`,
      [recipientId, ids],
      { signal },
    );
  }
}

function toNotification(row: NotificationRow): Notification {
  return {
    id: row.id,
    kind: row.kind,
    actor: { id: row.actor_id, username: row.actor_username },
    createdAt: row.created_at,
    read: row.read,
  };
}
