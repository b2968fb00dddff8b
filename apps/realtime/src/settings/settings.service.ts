import type { NotificationSettings } from '@rostrum/contracts';
import type { Database } from '@rostrum/data-access';
import { mergedWays, waysOf, type ChangedWays } from './notification-ways';
import { toMinutes, toTime } from './quiet-hours';
import { SettingsRepository, type Preferences } from './settings.repository';

export interface SettingsChange {
  kinds?: ChangedWays | undefined;
  quietHours?: { from: string; to: string } | null | undefined;
  timeZone?: string | undefined;
  digestHour?: number | undefined;
}

export class SettingsService {
  constructor(private readonly database: Database) {}

  async read(userId: string, signal: AbortSignal): Promise<NotificationSettings> {
    return toSettings(await new SettingsRepository(this.database).find(userId, signal));
  }

  async change(userId: string, change: SettingsChange, signal: AbortSignal): Promise<NotificationSettings> {
    return this.database.transaction(
      async (trx) => {
        const settings = new SettingsRepository(trx);
        await settings.lock(userId);
        const changed = apply(await settings.find(userId), change);
        const wantsMail = Object.values(waysOf(changed.ways)).some(({ mail }) => mail);
        await settings.save(userId, changed, wantsMail);
        return toSettings(changed);
      },
      { signal },
    );
  }
}

function apply(
  before: Preferences,
  { kinds = {}, quietHours, timeZone, digestHour }: SettingsChange,
): Preferences {
  return {
    ways: mergedWays(before.ways, kinds),
    quietHours:
      quietHours === undefined
        ? before.quietHours
        : quietHours && { from: toMinutes(quietHours.from), to: toMinutes(quietHours.to) },
    timeZone: timeZone ?? before.timeZone,
    digestHour: digestHour ?? before.digestHour,
  };
}

function toSettings({ ways, quietHours, timeZone, digestHour }: Preferences): NotificationSettings {
  const quiet = quietHours && { from: toTime(quietHours.from), to: toTime(quietHours.to) };
  return { kinds: waysOf(ways), quietHours: quiet, timeZone, digestHour };
}
