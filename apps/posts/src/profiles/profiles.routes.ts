import { getProfileRoute } from '@rostrum/contracts';
import type { RouteBinder } from '@rostrum/service-kit';
import type { ProfilesService } from './profiles.service';

export function profilesRoutes(binder: RouteBinder, profiles: ProfilesService): void {
  binder.bind(getProfileRoute, async (call) => ({
    status: 200,
    raw: await profiles.read(call.user.userId, call.params.username, () => call.signal),
  }));
}
