import { realtimeNotificationRoutes } from './realtime-notifications.contract';
import { realtimePresenceRoutes } from './realtime-presence.contract';
import { realtimeSocketRoutes } from './realtime-sockets.contract';

export * from './realtime-protocol.contract';
export * from './realtime-notifications.contract';
export * from './realtime-presence.contract';
export * from './realtime-sockets.contract';

export const realtimeRoutes = [
  ...realtimeSocketRoutes,
  ...realtimeNotificationRoutes,
  ...realtimePresenceRoutes,
] as const;
