import type { NotificationKind } from '@rostrum/contracts';
import type { Queryable } from '@rostrum/data-access';
import type { ChangedWays } from '../settings/notification-ways';

/** Somebody whose hour it is. */
export interface Reader {
  userId: string;
  ways: ChangedWays;
}

export interface DueReaders {
  timeZone: string;
  hour: number;
  /** As `2026-11-20`. */
  day: string;
  after: string;
  limit: number;
}

export interface UnreadKind {
  kind: NotificationKind;
  count: number;
}

export class DigestsRepository {
  constructor(private readonly db: Queryable) {}

  /** Where those are who want mail. */
  async timeZones(): Promise<string[]> {
    const { rows } = await this.db.query<{ zone: string }>(
      'time_zones_of_readers',
      'select distinct time_zone as zone from notification_settings where wants_mail',
    );
    return rows.map(({ zone }) => zone);
  }

  /** Those of a time zone who want mail, whose hour has come, and who have not been looked at today. */
  async due({ timeZone, hour, day, after, limit }: DueReaders): Promise<Reader[]> {
    const { rows } = await this.db.query<Reader>(
      'due_digests',
      `select user_id as "userId", ways from notification_settings s
        where wants_mail and time_zone = $1 and digest_hour <= $2 and user_id > $4
          and not exists (select from digests d where d.user_id = s.user_id and d.day = $3)
        order by user_id limit $5`,
      [timeZone, hour, day, after, limit],
    );
    return rows;
  }

  /** Whether nobody else has: whoever comes second waits for the first, and then has nothing to do. */
  async claim(userId: string, day: string): Promise<boolean> {
    const { rowCount } = await this.db.query(
      'claim_digest',
      `insert into digests (user_id, day, up_to)
       values ($1, $2, coalesce((select last_position from recipients where id = $1), 0)) on conflict do nothing`,
      [userId, day],
    );
    return rowCount > 0;
  }

  /** What is unread and has come since the digest before. */
  async unread(userId: string, day: string, kinds: readonly NotificationKind[]): Promise<UnreadKind[]> {
    const { rows } = await this.db.query<UnreadKind>(
      'unread_for_digest',
      `select kind, count(*)::int as count from notification_groups
        where recipient_id = $1 and read_at is null and actor_count > 0 and kind = any($3)
          and position > coalesce((select max(up_to) from digests where user_id = $1 and day < $2), 0)
          and position <= (select up_to from digests where user_id = $1 and day = $2)
        group by kind`,
      [userId, day, kinds],
    );
    return rows;
  }

  /** The newest of each is what the next one begins after. */
  async removeOlderThan(days: number, limit: number): Promise<number> {
    const { rowCount } = await this.db.query(
      'remove_old_digests',
      `delete from digests where (user_id, day) in (
         select user_id, day from digests d
          where made_at < now() - $1 * interval '1 day'
            and exists (select from digests newer where newer.user_id = d.user_id and newer.day > d.day)
          limit $2)`,
      [days, limit],
    );
    return rowCount;
  }
}
