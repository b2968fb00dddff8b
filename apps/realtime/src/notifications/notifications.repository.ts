import type { Queryable } from '@rostrum/data-access';
import { nobody, type Notification, type Person } from './notification';

interface NotificationRow extends Omit<Notification, 'position' | 'actors'> {
  position: string;
  actors: Person[] | null;
}

export interface PageOfNotifications {
  /** Only what is older than this position; undefined for the newest. */
  before: number | undefined;
  limit: number;
  signal?: AbortSignal | undefined;
}

export interface ReadMark {
  ids: readonly string[] | undefined;
  upTo: number | undefined;
}

/** Above every position, so that the first page is the same prepared statement as all others. */
const afterAll = Number.MAX_SAFE_INTEGER;
const mostUnread = 1_000;
const shownActors = 5;

/** Somebody who has replied twice is one actor, in the place of the newer reply. */
const columns = `
  g.id, g.recipient_id as "recipientId", g.position, g.event_id as "eventId", g.kind, g.actor_count as "actorCount",
  g.subject_id as "postId", g.new_post_id as "newPostId", g.moderation, g.in_app as "inApp",
  g.created_at as "createdAt", g.updated_at as "updatedAt", g.read_at is not null as read,
  (select json_agg(json_build_object('id', a.actor_id, 'username', a.actor_username) order by a.position desc)
     from (select * from (select distinct on (actor_id) actor_id, actor_username, position
                            from notification_deeds
                           where group_id = g.id and not withdrawn and actor_id <> '${nobody}'
                           order by actor_id, position desc) newest
            order by position desc limit ${shownActors}) a) as actors`;

const isListed = 'g.in_app and g.actor_count > 0';

/** What people read of their notifications, and what they have read. */
export class NotificationsRepository {
  constructor(private readonly db: Queryable) {}

  async newest(
    recipientId: string,
    { before = afterAll, limit, signal }: PageOfNotifications,
  ): Promise<Notification[]> {
    const { rows } = await this.db.query<NotificationRow>(
      'newest_notifications',
      `select ${columns} from notification_groups g
        where g.recipient_id = $1 and g.position < $2 and ${isListed}
        order by g.position desc limit $3`,
      [recipientId, before, limit],
      { signal },
    );
    return rows.map(toNotification);
  }

  /** What has come or changed since a position, oldest first: for whoever was away for longer than events are kept. */
  async changedAfter(recipientId: string, position: number, limit: number): Promise<Notification[]> {
    const { rows } = await this.db.query<NotificationRow>(
      'notifications_changed_after',
      `select ${columns} from notification_groups g
        where g.recipient_id = $1 and g.position > $2 and ${isListed}
        order by g.position limit $3`,
      [recipientId, position, limit],
    );
    return rows.map(toNotification);
  }

  /** The same since a time, for whoever knows no position. A transaction begins before it is seen: ask a little earlier. */
  async changedSince(recipientId: string, since: Date, limit: number): Promise<Notification[]> {
    const { rows } = await this.db.query<NotificationRow>(
      'notifications_changed_since',
      `select ${columns} from notification_groups g
        where g.recipient_id = $1 and g.updated_at >= $2 and ${isListed}
        order by g.position limit $3`,
      [recipientId, since, limit],
    );
    return rows.map(toNotification);
  }

  async byIds(ids: readonly string[]): Promise<Map<string, Notification>> {
    const { rows } = await this.db.query<NotificationRow>(
      'notifications_by_id',
      `select ${columns} from notification_groups g where g.id = any($1::uuid[])`,
      [ids],
    );
    return new Map(rows.map((row) => [row.id, toNotification(row)]));
  }

  /** Stops counting where nobody cares any more. */
  async countUnread(recipientId: string, signal?: AbortSignal): Promise<number> {
    const { rows } = await this.db.query<{ count: number }>(
      'count_unread_notifications',
      `select count(*)::int as count
         from (select from notification_groups g
                where g.recipient_id = $1 and g.read_at is null and ${isListed} limit ${mostUnread}) unread`,
      [recipientId],
      { signal },
    );
    return rows[0]?.count ?? 0;
  }

  /**
   * Ids that are not the recipient's are as good as ids of nothing. What somebody joins meanwhile has a new position,
   * which this statement sees once it has waited for them: it stays unread.
   */
  async markRead(recipientId: string, { ids, upTo }: ReadMark, signal?: AbortSignal): Promise<void> {
    await this.db.query(
      'mark_notifications_read',
      `update notification_groups set read_at = now()
        where recipient_id = $1 and read_at is null and position <= $2
          and ($3::uuid[] is null or id = any($3::uuid[]))`,
      [recipientId, upTo ?? afterAll, ids ?? null],
      { signal },
    );
  }

  /** Resolves to how many there were. */
  async removeOlderThan(days: number, limit: number): Promise<number> {
    const { rowCount } = await this.db.query(
      'remove_old_notifications',
      `delete from notification_groups where id in (
         select id from notification_groups where updated_at < now() - $1 * interval '1 day' limit $2
            for update skip locked)`,
      [days, limit],
    );
    return rowCount;
  }
}

function toNotification({ position, actors, ...row }: NotificationRow): Notification {
  return { ...row, position: Number(position), actors: actors ?? [] };
}
