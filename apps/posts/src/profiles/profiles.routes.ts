import { getProfileRoute } from '@rostrum/contracts';
import type { RouteBinder } from '@rostrum/service-kit';
import { toProfileBody } from './profile';
import type { ProfilesService } from './profiles.service';

export function profilesRoutes(binder: RouteBinder, profiles: ProfilesService): void {
  binder.bind(getProfileRoute, async ({ params, signal }) => ({
    status: 200,
    body: toProfileBody(await profiles.read(params.username, signal)),
  }));
}
