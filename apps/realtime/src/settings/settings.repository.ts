import type { Queryable } from '@rostrum/data-access';
import type { ChangedWays } from './notification-ways';
import type { QuietHours } from './quiet-hours';

export interface Preferences {
  ways: ChangedWays;
  quietHours: QuietHours | null;
  timeZone: string;
  digestHour: number;
}

interface PreferencesRow {
  user_id: string;
  ways: ChangedWays;
  quiet_from: number | null;
  quiet_to: number | null;
  time_zone: string;
  digest_hour: number;
}

export const defaultPreferences: Preferences = { ways: {}, quietHours: null, timeZone: 'UTC', digestHour: 8 };

export class SettingsRepository {
  constructor(private readonly db: Queryable) {}

  async find(userId: string, signal?: AbortSignal): Promise<Preferences> {
    return (await this.findAll([userId], signal)).get(userId) ?? defaultPreferences;
  }

  /** Of those who have changed anything. */
  async findAll(userIds: readonly string[], signal?: AbortSignal): Promise<Map<string, Preferences>> {
    const { rows } = await this.db.query<PreferencesRow>(
      'find_notification_settings',
      `select user_id, ways, quiet_from, quiet_to, time_zone, digest_hour
         from notification_settings where user_id = any($1::uuid[])`,
      [userIds],
      { signal },
    );
    return new Map(rows.map((row) => [row.user_id, toPreferences(row)]));
  }

  /** Two changes at once follow one another. */
  async lock(userId: string): Promise<void> {
    await this.db.query(
      'lock_notification_settings',
      `insert into notification_settings (user_id) values ($1)
       on conflict (user_id) do update set user_id = excluded.user_id`,
      [userId],
    );
  }

  async save(userId: string, preferences: Preferences, wantsMail: boolean): Promise<void> {
    const { ways, quietHours, timeZone, digestHour } = preferences;
    await this.db.query(
      'save_notification_settings',
      `update notification_settings
          set ways = $2, quiet_from = $3, quiet_to = $4, time_zone = $5, digest_hour = $6, wants_mail = $7
        where user_id = $1`,
      [
        ...[userId, JSON.stringify(ways), quietHours?.from ?? null, quietHours?.to ?? null],
        ...[timeZone, digestHour, wantsMail],
      ],
    );
  }
}

function toPreferences(row: PreferencesRow): Preferences {
  const { ways, quiet_from: from, quiet_to: to, time_zone: timeZone, digest_hour: digestHour } = row;
  return { ways, quietHours: from === null || to === null ? null : { from, to }, timeZone, digestHour };
}
