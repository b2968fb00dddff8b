import { realtimeTicketRoute, webSocketRoute } from '@rostrum/contracts';
import type { RouteBinder } from '@rostrum/service-kit';
import type { Tickets } from './tickets';
import { upgradeErrors } from './upgrade.errors';

/** What is answered over plain HTTP: upgrades never come here. */
export function socketsRoutes(binder: RouteBinder, tickets: Pick<Tickets, 'issue'>): void {
  binder.bind(webSocketRoute, () => {
    throw upgradeErrors.required();
  });
  binder.bind(realtimeTicketRoute, async ({ user }) => {
    const { ticket, expiresAt } = await tickets.issue(user);
    return { status: 201, body: { ticket, expiresAt: expiresAt.toISOString() } };
  });
}
