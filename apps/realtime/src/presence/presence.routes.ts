import { presenceRoute } from '@rostrum/contracts';
import type { RouteBinder } from '@rostrum/service-kit';
import type { PresenceStore } from './presence.store';

export function presenceRoutes(binder: RouteBinder, presence: Pick<PresenceStore, 'isOnline'>): void {
  binder.bind(
    presenceRoute,
    async ({ params: { userId } }) => ({
      status: 200,
      body: { userId, online: await presence.isOnline(userId) },
    }),
    { startsWithRead: true },
  );
}
