import { presenceRoute, presencesRoute, realtimeStatsRoute } from '@rostrum/contracts';
import type { RouteBinder } from '@rostrum/service-kit';
import type { InstanceReports } from './instance-reports';
import type { Presence, PresenceService } from './presence.service';

export interface PresenceParts {
  presence: PresenceService;
  reports: Pick<InstanceReports, 'all'>;
}

export function presenceRoutes(binder: RouteBinder, { presence, reports }: PresenceParts): void {
  binder.bind(presencesRoute, async ({ user, query: { users }, signal }) => ({
    status: 200,
    body: { items: await presence.look(user.userId, users.map(lowerCase), signal) },
  }));

  binder.bind(
    presenceRoute,
    async ({ user, params: { userId }, signal }) => {
      const [found] = (await presence.look(user.userId, [lowerCase(userId)], signal)) as [Presence];
      return { status: 200, body: found };
    },
    { startsWithRead: true },
  );

  binder.bind(realtimeStatsRoute, async () => {
    const instances = await reports.all();
    const connections = instances.reduce((sum, instance) => sum + instance.connections, 0);
    return { status: 200, body: { connections, instances } };
  });
}

function lowerCase(id: string): string {
  return id.toLowerCase();
}
