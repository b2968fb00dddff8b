import { changeNotificationSettingsRoute, getNotificationSettingsRoute } from '@rostrum/contracts';
import type { RouteBinder } from '@rostrum/service-kit';
import type { SettingsService } from './settings.service';

export function settingsRoutes(binder: RouteBinder, settings: SettingsService): void {
  binder.bind(getNotificationSettingsRoute, async ({ user, signal }) => ({
    status: 200,
    body: await settings.read(user.userId, signal),
  }));

  binder.bind(changeNotificationSettingsRoute, async ({ user, body, signal }) => ({
    status: 200,
    body: await settings.change(user.userId, body, signal),
  }));
}
